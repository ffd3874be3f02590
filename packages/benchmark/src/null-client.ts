import { RedisStorageDriver, type RedisStorageDriverClient } from '@temporal-redis-storage/core';
import type { StorageDriver } from '@temporalio/common';
import { S3StorageDriver, type S3StorageDriverClient } from '@temporalio/external-storage-s3';
import { compare, type Costs } from './compare';
import { freshContext, MAX_PAYLOAD_SIZE, payloadsOf, type Load } from './loads';

/** What both drivers cost by themselves: over clients that keep a value or hand it back, and do nothing else. */
export async function measureDrivers(load: Load, rounds: number): Promise<{ store: Costs; retrieve: Costs }> {
  const payloads = payloadsOf(load);
  const ours = new NullClient();
  const peer = new NullClient();
  const redis = new RedisStorageDriver({ client: ours.asRedis(), maxPayloadSize: MAX_PAYLOAD_SIZE });
  const s3 = new S3StorageDriver({ client: peer.asS3(), bucket: 'benchmark', maxPayloadSize: MAX_PAYLOAD_SIZE });
  const store = await compare(
    [
      { name: 'driver', run: () => redis.store(freshContext(), payloads), after: () => ours.clear() },
      { name: 'S3 driver', run: () => s3.store(freshContext(), payloads), after: () => peer.clear() },
    ],
    rounds,
  );
  const retrieve = await compare(
    [
      { name: 'driver', run: await retrievalBy(redis) },
      { name: 'S3 driver', run: await retrievalBy(s3) },
    ],
    rounds,
  );
  return { store, retrieve };

  async function retrievalBy(driver: StorageDriver): Promise<() => Promise<unknown>> {
    const claims = await driver.store(freshContext(), payloads);
    return () => driver.retrieve({}, claims);
  }
}

class NullClient {
  private readonly values = new Map<string, Uint8Array>();

  async clear(): Promise<void> {
    this.values.clear();
  }

  asRedis(): RedisStorageDriverClient {
    return {
      get: async (key) => this.values.get(key) ?? null,
      setIfAbsent: async (key, data) => Boolean(this.values.set(key, data)),
      exists: async (key) => this.values.has(key),
    };
  }

  asS3(): S3StorageDriverClient {
    return {
      getObject: async (_bucket, key) => this.values.get(key) as Uint8Array,
      putObject: async (_bucket, key, data) => void this.values.set(key, data),
      objectExists: async (_bucket, key) => this.values.has(key),
    };
  }
}
