import { Redis as Upstash } from '@upstash/redis';
import { Cluster, Redis } from 'ioredis';
import { createClient, createClientPool, createCluster } from 'redis';
import type { RedisStorageDriverClient } from '@temporal-redis-storage/core';
import { IoredisStorageDriverClient } from '@temporal-redis-storage/ioredis';
import { NodeRedisStorageDriverClient } from '@temporal-redis-storage/node-redis';
import type { RedisAddress, UpstashServer } from '@temporal-redis-storage/testing';
import { UpstashStorageDriverClient } from '@temporal-redis-storage/upstash';

/** A client of some shape, and how its owner closes it. */
export interface OpenClient {
  client: RedisStorageDriverClient;
  close: () => Promise<unknown>;
}

type Open = (redis: RedisAddress & { url: string }, upstash: UpstashServer) => Promise<OpenClient>;

/** Every shape of client that an adapter takes, opened on one and the same Redis. */
export const SHAPES: Record<string, Open> = {
  'node-redis': async ({ url }) => {
    const redis = await createClient({ url, RESP: 2 }).connect();
    return { client: new NodeRedisStorageDriverClient(redis), close: () => redis.close() };
  },
  'node-redis, RESP3': async ({ url }) => {
    const redis = await createClient({ url, RESP: 3 }).connect();
    return { client: new NodeRedisStorageDriverClient(redis), close: () => redis.close() };
  },
  'node-redis, pool': async ({ url }) => {
    const pool = createClientPool({ url });
    await pool.connect();
    return { client: new NodeRedisStorageDriverClient(pool), close: () => pool.close() };
  },
  'node-redis, cluster': async ({ url }) => {
    const cluster = await createCluster({ rootNodes: [{ url }] }).connect();
    return { client: new NodeRedisStorageDriverClient(cluster), close: () => cluster.close() };
  },
  ioredis: async ({ url }) => {
    const redis = new Redis(url);
    return { client: new IoredisStorageDriverClient(redis), close: () => redis.quit() };
  },
  'ioredis, autopipelining': async ({ url }) => {
    const redis = new Redis(url, { enableAutoPipelining: true });
    return { client: new IoredisStorageDriverClient(redis), close: () => redis.quit() };
  },
  'ioredis, cluster': async ({ host, port }) => {
    const cluster = new Cluster([{ host, port }]);
    return { client: new IoredisStorageDriverClient(cluster), close: () => cluster.quit() };
  },
  'Upstash, by its Redis': async (_redis, upstash) => ({
    client: new UpstashStorageDriverClient(new Upstash({ url: upstash.url, token: upstash.token })),
    close: async () => {},
  }),
  'Upstash, by URL and token': async (_redis, { url, token }) => ({
    client: new UpstashStorageDriverClient({ url, token }),
    close: async () => {},
  }),
};
