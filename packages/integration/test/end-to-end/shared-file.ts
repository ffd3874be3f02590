import { RedisStorageDriver, type RedisStorageDriverClient } from '@temporal-redis-storage/core';

/** A constant of workflow code, in the same file as the driver. */
export const GREETING = 'Hello';

export function createDriver(client: RedisStorageDriverClient): RedisStorageDriver {
  return new RedisStorageDriver({ client });
}
