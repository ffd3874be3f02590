import { setTimeout as sleep } from 'node:timers/promises';
import { Redis as Upstash } from '@upstash/redis';
import { Cluster, Redis } from 'ioredis';
import { createClient, createClientPool, createCluster } from 'redis';
import type { RedisStorageDriverClient } from '@temporal-redis-storage/core';
import { IoredisStorageDriverClient } from '@temporal-redis-storage/ioredis';
import { NodeRedisStorageDriverClient } from '@temporal-redis-storage/node-redis';
import { UpstashStorageDriverClient } from '@temporal-redis-storage/upstash';

/** Where clients connect to. */
export interface Endpoints {
  host: string;
  port: number;
  /** With TLS, which no server of these tests speaks. */
  tls?: boolean;
  upstash: { url: string; token: string };
}

/** A client whose owner does as one must who expects faults: it listens for errors, and closes without waiting. */
export interface OpenClient {
  client: RedisStorageDriverClient;
  connected: Promise<unknown>;
  destroy: () => void;
}

interface NodeRedis {
  on(event: 'error', listener: () => void): unknown;
  connect(): Promise<unknown>;
  destroy(): void;
}

type NodeRedisShape = NodeRedis & ConstructorParameters<typeof NodeRedisStorageDriverClient>[0];

/** A cluster that can't be reached gives up, so its owner connects again. */
function openNodeRedis(redis: NodeRedisShape): OpenClient {
  const destroyed = new AbortController();
  const connect = async (): Promise<void> => {
    while (!destroyed.signal.aborted) {
      try {
        await redis.connect();
        return;
      } catch {
        await sleep(100);
      }
    }
  };
  redis.on('error', () => {});
  const destroy = (): void => {
    destroyed.abort();
    redis.destroy();
  };
  return { client: new NodeRedisStorageDriverClient(redis), connected: connect(), destroy };
}

function openIoredis(redis: Redis | Cluster): OpenClient {
  redis.on('error', () => {});
  return {
    client: new IoredisStorageDriverClient(redis),
    connected: Promise.resolve(),
    destroy: () => redis.disconnect(),
  };
}

const openUpstash = (source: ConstructorParameters<typeof UpstashStorageDriverClient>[0]): OpenClient => ({
  client: new UpstashStorageDriverClient(source),
  connected: Promise.resolve(),
  destroy: () => {},
});

const urlOf = ({ host, port, tls }: Endpoints): string => `${tls ? 'rediss' : 'redis'}://${host}:${port}`;
const optionsOf = ({ host, port, tls }: Endpoints): { host: string; port: number; tls?: object } => ({
  host,
  port,
  ...(tls && { tls: {} }),
});

/** Clients of one server. */
const SINGLE_SHAPES: Record<string, (endpoints: Endpoints) => OpenClient> = {
  'node-redis': (endpoints) => openNodeRedis(createClient({ url: urlOf(endpoints), RESP: 2 })),
  'node-redis, RESP3': (endpoints) => openNodeRedis(createClient({ url: urlOf(endpoints), RESP: 3 })),
  'node-redis, pool': (endpoints) => openNodeRedis(createClientPool({ url: urlOf(endpoints) })),
  ioredis: (endpoints) => openIoredis(new Redis(optionsOf(endpoints))),
  'ioredis, autopipelining': (endpoints) =>
    openIoredis(new Redis({ ...optionsOf(endpoints), enableAutoPipelining: true })),
  'Upstash, by its Redis': ({ upstash }) => openUpstash(new Upstash(upstash)),
  'Upstash, by URL and token': ({ upstash }) => openUpstash(upstash),
};

/** Clients of a cluster. */
export const CLUSTER_SHAPES: Record<string, (endpoints: Endpoints) => OpenClient> = {
  'node-redis, cluster': (endpoints) => openNodeRedis(createCluster({ rootNodes: [{ url: urlOf(endpoints) }] })),
  'ioredis, cluster': ({ host, port, tls }) =>
    openIoredis(new Cluster([{ host, port }], { ...(tls && { redisOptions: { tls: {} } }) })),
};

/** Every shape of client that an adapter takes. */
export const SHAPES = { ...SINGLE_SHAPES, ...CLUSTER_SHAPES };
