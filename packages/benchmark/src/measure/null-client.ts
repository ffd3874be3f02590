import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { RedisStorageDriver, type RedisStorageDriverClient } from '@temporal-redis-storage/core';
import type { StorageDriver } from '@temporalio/common';
import { S3StorageDriver, type S3StorageDriverClient } from '@temporalio/external-storage-s3';
import { compare, type Costs } from './compare';
import { createContext, MAX_PAYLOAD_SIZE, createPayloads, type Load } from './loads';

/** Measures both drivers alone: stores over clients that keep nothing, retrievals over clients that keep values in memory. */
export async function measureDrivers(load: Load, rounds: number): Promise<{ store: Costs; retrieve: Costs }> {
  const payloads = createPayloads(load);
  const ours = new NullClient();
  const peer = new NullClient();
  const drivers: { name: string; driver: StorageDriver; client: NullClient }[] = [
    {
      name: 'driver',
      driver: new RedisStorageDriver({ client: ours.asRedis(), maxPayloadSize: MAX_PAYLOAD_SIZE }),
      client: ours,
    },
    {
      name: 'driver, client that keeps data',
      driver: new RedisStorageDriver({ client: ours.asKeepingRedis(), maxPayloadSize: MAX_PAYLOAD_SIZE }),
      client: ours,
    },
    {
      name: 'S3 driver',
      driver: new S3StorageDriver({ client: peer.asS3(), bucket: 'benchmark', maxPayloadSize: MAX_PAYLOAD_SIZE }),
      client: peer,
    },
  ];
  const stores = drivers.map(({ name, driver, client }) => ({
    name,
    run: async () => {
      await driver.store(createContext(), payloads);
      client.clear();
      await yieldToEventLoop();
    },
  }));
  const store = await compare(stores, load, rounds);
  const retrievals = [drivers[1]!, drivers[2]!].map(async ({ name, driver }) => {
    const claims = await driver.store(createContext(), payloads);
    const run = async (): Promise<void> => {
      await driver.retrieve({}, claims);
      await yieldToEventLoop();
    };
    return { name: name.replace(/,.*/, ''), run };
  });
  return { store, retrieve: await compare(await Promise.all(retrievals), load, rounds) };
}

class NullClient {
  private readonly values = new Map<string, Uint8Array>();

  clear(): void {
    this.values.clear();
  }

  asRedis(): RedisStorageDriverClient {
    return { ...this.asKeepingRedis(), releasesData: true, setIfAbsent: async () => true };
  }

  asKeepingRedis(): RedisStorageDriverClient {
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
