import { ExternalStorage, ValueError, type StorageDriver, type StorageDriverSelector } from '@temporalio/common';
import type { RedisStoragePluginOptions } from './options';

/** Adds the driver of the options to those that are registered already. */
export function mergeStorage(
  existing: ExternalStorage | undefined,
  { driver, driverSelector, payloadSizeThreshold }: RedisStoragePluginOptions,
): ExternalStorage {
  const others = (existing?.drivers ?? []).filter((each) => each !== driver);
  const namesake = others.find(({ name }) => name === driver.name);
  if (namesake !== undefined) {
    throw new ValueError(
      `Two storage drivers have the name '${driver.name}': ${describeDriver(driver)} of RedisStoragePlugin and ` +
        `${describeDriver(namesake)} in dataConverter.externalStorage. Give one of them another driverName, but ` +
        'beware: payloads are found by the name under which they were stored.',
    );
  }
  const threshold = payloadSizeThreshold ?? existing?.payloadSizeThreshold;
  return new ExternalStorage({
    drivers: [driver, ...others],
    driverSelector: resolveSelector(existing, driver, driverSelector),
    ...(threshold !== undefined && { payloadSizeThreshold: threshold }),
  });
}

function resolveSelector(
  existing: ExternalStorage | undefined,
  driver: StorageDriver,
  driverSelector: RedisStoragePluginOptions['driverSelector'],
): StorageDriverSelector {
  if (driverSelector !== 'existing') return driverSelector ?? (() => driver);
  if (existing === undefined) {
    throw new ValueError("driverSelector is 'existing', but dataConverter has no externalStorage with a selector");
  }
  return existing.driverSelector;
}

function describeDriver({ type, constructor }: StorageDriver): string {
  return `a ${constructor.name} of type '${type}'`;
}
