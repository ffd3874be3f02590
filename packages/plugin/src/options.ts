import { ValueError, type StorageDriver, type StorageDriverSelector } from '@temporalio/common';

/**
 * Options of {@link RedisStoragePlugin}.
 *
 * @experimental
 */
export interface RedisStoragePluginOptions {
  /** Where new payloads go: a `RedisStorageDriver`, or a driver that wraps one. */
  driver: StorageDriver;
  /**
   * Picks the driver of each new payload among `driver` and those that are registered already, or null to leave the payload
   * in Event History. `'existing'` keeps the selector that the data converter has, so that new payloads go where they went
   * before and those in Redis are readable. Every new payload goes to `driver` by default.
   */
  driverSelector?: StorageDriverSelector | 'existing';
  /**
   * Size in bytes from which on payloads are stored. Defaults to that of the data converter's `externalStorage`, or to the
   * SDK's 262144 (256 KiB) if it has none.
   */
  payloadSizeThreshold?: number;
}

/** @throws ValueError that names the option and what it got */
export function checkOptions({ driver, driverSelector, payloadSizeThreshold }: RedisStoragePluginOptions): void {
  if (typeof driver?.store !== 'function' || typeof driver.retrieve !== 'function') {
    throw new ValueError('driver must be a storage driver, such as a RedisStorageDriver');
  }
  if (typeof driver.name !== 'string' || driver.name === '') throw new ValueError('driver must have a name');
  if (driverSelector !== undefined && driverSelector !== 'existing' && typeof driverSelector !== 'function') {
    throw new ValueError(`driverSelector must be a function or 'existing', got ${typeof driverSelector}`);
  }
  if (payloadSizeThreshold !== undefined && !(Number.isFinite(payloadSizeThreshold) && payloadSizeThreshold >= 0)) {
    throw new ValueError(`payloadSizeThreshold must be a number of bytes, got ${String(payloadSizeThreshold)}`);
  }
}
