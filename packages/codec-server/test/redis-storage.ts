import { randomUUID } from 'node:crypto';
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import { NodeRedisStorageDriverClient } from '@temporal-redis-storage/node-redis';
import { startRedis, type RunningRedis } from '@temporal-redis-storage/testing';
import { ExternalStorage, type Payload } from '@temporalio/common';
import { createClient } from 'redis';
import { reference, type JsonPayload } from './requests';

/** The Redis driver on a real Redis. */
export interface RedisStorage {
  redis: ReturnType<typeof createClient>;
  server: RunningRedis;
  driver: RedisStorageDriver;
  externalStorage: ExternalStorage;
  /** Stores a payload for a workflow, and returns what Event History would hold. */
  store(payload: Payload, namespace?: string): Promise<{ json: JsonPayload; key: string }>;
}

/** Starts a Redis before the tests of a file and stops it after them. */
export function useRedisStorage(): RedisStorage {
  const storage = {} as RedisStorage;
  beforeAll(async () => {
    storage.server = await startRedis();
    storage.redis = createClient({ url: storage.server.url });
    storage.redis.on('error', () => {});
    await storage.redis.connect();
    storage.driver = new RedisStorageDriver({
      client: new NodeRedisStorageDriverClient(storage.redis),
      keyPrefix: randomUUID(),
      requestTimeout: '30 seconds',
    });
    storage.externalStorage = new ExternalStorage({ drivers: [storage.driver], payloadSizeThreshold: 1000 });
    storage.store = async (payload, namespace = 'default') => {
      const target = { kind: 'workflow', namespace, id: randomUUID(), type: 'test' } as const;
      const [claim] = await storage.driver.store({ target }, [payload]);
      const { claimData } = claim!;
      return { json: reference(storage.driver.name, claimData, payload.data?.length ?? 0), key: claimData['key']! };
    };
  });
  afterAll(async () => {
    storage.redis?.destroy();
    await storage.server?.stop();
  });
  return storage;
}
