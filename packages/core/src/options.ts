import { msToNumber, ValueError, type Duration } from '@temporalio/common';
import type { RedisStorageDriverClient } from './client';
import { formatValue } from './format-value';

/**
 * Configuration of a {@link RedisStorageDriver}.
 *
 * @experimental
 */
export interface RedisStorageDriverOptions {
  /** Performs the Redis operations, e.g. a `NodeRedisStorageDriverClient`. The caller closes its connection. */
  client: RedisStorageDriverClient;
  /**
   * Name that claims carry, by which the SDK routes them back to this driver. Defaults to `"redis"`; change it only to
   * register several Redis drivers in one `ExternalStorage`, and keep it for as long as payloads are to be read.
   */
  driverName?: string;
  /**
   * Prefix of every key that is written, at most 4096 characters; trailing `:` are dropped, and `''` means no prefix.
   * Defaults to `"temporalio:payloads"`. Payloads stored under another prefix stay readable.
   */
  keyPrefix?: string;
  /**
   * Time to live of a payload, from its first insert on. Must be longer than the longest run plus the namespace's retention
   * period. Rounded up to whole milliseconds. By default payloads never expire.
   */
  ttl?: Duration;
  /**
   * Whether a payload that is stored again lives at least `ttl` from then on. A TTL is never shortened, and a key without one
   * stays without. Needs `ttl`, and a client with the method `extendTtl`, as all adapters have it. Defaults to false.
   */
  extendTtl?: boolean;
  /** Hard limit on one serialized payload, in bytes. Defaults to 52428800 (50 MiB). */
  maxPayloadSize?: number;
  /**
   * How long one Redis operation may take before it fails, whatever the Redis library does. Defaults to 8 seconds:
   * less than the 10 seconds that a workflow task has by default, so that the failure reaches history with its cause.
   * For the same reason, an activity's `heartbeatTimeout` should be longer.
   */
  requestTimeout?: Duration;
  /**
   * Maximum attempts per Redis operation, the first included, for transient failures: a lost connection, a Redis that
   * starts or fails over. Bounded by `requestTimeout`; 1 disables retries. Defaults to 6.
   */
  maxAttempts?: number;
  /**
   * How many bytes of serialized payloads this driver holds for requests in flight; further requests wait. A single
   * larger payload is sent alone. Defaults to 104857600 (100 MiB).
   */
  maxBytesInFlight?: number;
}

/** {@link RedisStorageDriverOptions}, validated and with defaults. */
export interface ResolvedOptions {
  client: RedisStorageDriverClient;
  driverName: string;
  keyPrefix: string;
  ttlMs: number | undefined;
  extendTtl: boolean;
  maxPayloadSize: number;
  requestTimeoutMs: number;
  maxAttempts: number;
  maxBytesInFlight: number;
}

/** Callers without type checks may pass anything. */
type Unchecked<Options> = { [Name in keyof Options]?: unknown };

const DEFAULT_DRIVER_NAME = 'redis';

/** Every claim in Event History repeats the prefix. */
const MAX_PREFIX_LENGTH = 4096;

/** With a longer delay, Node's timers fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** @throws ValueError that names the option and what it got */
export function resolveOptions(options: RedisStorageDriverOptions): ResolvedOptions {
  const {
    client,
    driverName = DEFAULT_DRIVER_NAME,
    keyPrefix = 'temporalio:payloads',
    ttl,
    extendTtl = false,
    maxPayloadSize = 50 * 1024 * 1024,
    requestTimeout = '8 seconds',
    maxAttempts = 6,
    maxBytesInFlight = 100 * 1024 * 1024,
  } = (options ?? {}) as Unchecked<RedisStorageDriverOptions>;
  if (!isClient(client)) {
    // A string may be a URL with a password, so the message only says that it is one.
    const got = typeof client === 'string' ? 'a string' : formatValue(client);
    throw new ValueError(`client must have the methods get and setIfAbsent, got ${got}: wrap it in an adapter`);
  }
  if (typeof driverName !== 'string') {
    throw new ValueError(`driverName must be a string, got ${formatValue(driverName)}`);
  }
  if (typeof keyPrefix !== 'string' || !keyPrefix.isWellFormed() || keyPrefix.length > MAX_PREFIX_LENGTH) {
    throw new ValueError(
      `keyPrefix must be a string of well-formed Unicode, ${MAX_PREFIX_LENGTH} characters at most, got ${formatValue(keyPrefix)}`,
    );
  }
  if (!Number.isSafeInteger(maxAttempts) || (maxAttempts as number) < 1) {
    throw new ValueError(`maxAttempts must be a whole number of at least 1, got ${formatValue(maxAttempts)}`);
  }
  if (typeof extendTtl !== 'boolean') {
    throw new ValueError(`extendTtl must be true or false, got ${formatValue(extendTtl)}`);
  }
  if (extendTtl && ttl === undefined) throw new ValueError('extendTtl is true, but there is no ttl to extend by');
  if (extendTtl && typeof client.extendTtl !== 'function') {
    throw new ValueError('extendTtl is true, but the client has no method extendTtl');
  }
  return {
    client,
    driverName: driverName || DEFAULT_DRIVER_NAME,
    keyPrefix: keyPrefix.replace(/:+$/, ''),
    ttlMs: ttl === undefined ? undefined : parseMilliseconds('ttl', ttl),
    extendTtl,
    maxPayloadSize: parseBytes('maxPayloadSize', maxPayloadSize),
    requestTimeoutMs: Math.min(parseMilliseconds('requestTimeout', requestTimeout), MAX_TIMER_MS),
    maxAttempts: maxAttempts as number,
    maxBytesInFlight: parseBytes('maxBytesInFlight', maxBytesInFlight),
  };
}

function isClient(client: unknown): client is RedisStorageDriverClient {
  const { get, setIfAbsent } = (client ?? {}) as Partial<RedisStorageDriverClient>;
  return typeof get === 'function' && typeof setIfAbsent === 'function';
}

function parseBytes(option: string, size: unknown): number {
  if (typeof size !== 'number' || !Number.isFinite(size) || size <= 0) {
    throw new ValueError(`${option} must be a number of bytes greater than zero, got ${formatValue(size)}`);
  }
  return size;
}

function parseMilliseconds(option: string, duration: unknown): number {
  const ms = Math.ceil(parseDuration(duration));
  if (!Number.isSafeInteger(ms) || ms < 1) {
    throw new ValueError(
      `${option} must be a duration greater than zero, such as '45 days' or milliseconds, got ${formatValue(duration)}`,
    );
  }
  return ms;
}

function parseDuration(duration: unknown): number {
  try {
    return msToNumber(duration as Duration);
  } catch {
    return NaN;
  }
}
