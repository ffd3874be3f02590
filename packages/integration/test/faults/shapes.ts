import { setTimeout as sleep } from 'node:timers/promises';
import { Redis as Upstash } from '@upstash/redis';
import { Cluster, Redis } from 'ioredis';
import { createClient, createClientPool, createCluster, createSentinel } from 'redis';
import type { RedisStorageDriverClient } from '@temporal-redis-storage/core';
import { IoredisStorageDriverClient } from '@temporal-redis-storage/ioredis';
import { NodeRedisStorageDriverClient } from '@temporal-redis-storage/node-redis';
import type { RedisAddress } from '@temporal-redis-storage/testing';
import { UpstashStorageDriverClient } from '@temporal-redis-storage/upstash';

/** Where clients connect to. */
export interface Endpoints extends RedisAddress {
  /** Its master is taken to be at `host` and `port`, wherever it says that it is. At the same place unless given. */
  sentinel?: RedisAddress;
  /** With TLS, which no server of these tests speaks. */
  tls?: boolean;
  /** How long a TCP connection may be silent before its client takes it for dead, in milliseconds. */
  socketTimeout?: number;
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

/** By what name the sentinel knows the master. */
export const MASTER_NAME = 'mymaster';

const buildUrl = ({ host, port, tls }: Endpoints): string => `${tls ? 'rediss' : 'redis'}://${host}:${port}`;

/** By default node-redis closes a client for good whose connection it takes for dead. */
const buildSocketOptions = ({
  socketTimeout,
}: Endpoints): { socket?: { socketTimeout: number; reconnectStrategy: number } } =>
  socketTimeout === undefined ? {} : { socket: { socketTimeout, reconnectStrategy: 100 } };

/** How node-redis connects to a server. */
const buildNodeRedisOptions = (endpoints: Endpoints) => ({
  url: buildUrl(endpoints),
  ...buildSocketOptions(endpoints),
});

/** How ioredis connects to a server, wherever that is. */
const buildIoredisOptions = ({ tls, socketTimeout }: Endpoints): { tls?: object; socketTimeout?: number } => ({
  ...(tls && { tls: {} }),
  ...(socketTimeout !== undefined && { socketTimeout }),
});

type Shapes = Record<string, (endpoints: Endpoints) => OpenClient>;

/** Clients that are told where their server is. */
export const SINGLE_SHAPES: Shapes = {
  'node-redis': (endpoints) => openNodeRedis(createClient({ ...buildNodeRedisOptions(endpoints), RESP: 2 })),
  'node-redis, RESP3': (endpoints) => openNodeRedis(createClient({ ...buildNodeRedisOptions(endpoints), RESP: 3 })),
  'node-redis, pool': (endpoints) => openNodeRedis(createClientPool(buildNodeRedisOptions(endpoints))),
  ioredis: (endpoints) => openIoredis(new Redis(endpoints.port, endpoints.host, buildIoredisOptions(endpoints))),
  'ioredis, autopipelining': (endpoints) =>
    openIoredis(
      new Redis(endpoints.port, endpoints.host, { ...buildIoredisOptions(endpoints), enableAutoPipelining: true }),
    ),
  'Upstash, by its Redis': ({ upstash }) => openUpstash(new Upstash(upstash)),
  'Upstash, by URL and token': ({ upstash }) => openUpstash(upstash),
};

/** Clients that ask a sentinel where their server is. */
const SENTINEL_SHAPES: Shapes = {
  'node-redis, sentinel'(endpoints) {
    const { host, port, tls, sentinel = { host, port } } = endpoints;
    const sentinelAddress = `${sentinel.host}:${sentinel.port}`;
    return openNodeRedis(
      createSentinel({
        name: MASTER_NAME,
        sentinelRootNodes: [sentinel],
        nodeAddressMap: (address) => (address === sentinelAddress ? undefined : { host, port }),
        nodeClientOptions: buildSocketOptions(endpoints),
        ...(tls && { sentinelClientOptions: { socket: { tls } } }),
      }),
    );
  },
  'ioredis, sentinel'(endpoints) {
    const { host, port, tls, sentinel = { host, port } } = endpoints;
    return openIoredis(
      new Redis({
        name: MASTER_NAME,
        sentinels: [sentinel],
        natMap: () => ({ host, port }),
        ...buildIoredisOptions(endpoints),
        ...(tls && { sentinelTLS: {} }),
      }),
    );
  },
};

/** Clients of a cluster. */
export const CLUSTER_SHAPES: Shapes = {
  'node-redis, cluster': (endpoints) =>
    openNodeRedis(
      createCluster({ rootNodes: [{ url: buildUrl(endpoints) }], defaults: buildSocketOptions(endpoints) }),
    ),
  'ioredis, cluster': (endpoints) =>
    openIoredis(
      new Cluster([{ host: endpoints.host, port: endpoints.port }], { redisOptions: buildIoredisOptions(endpoints) }),
    ),
};

/** Every shape of client that an adapter takes. */
export const SHAPES = { ...SINGLE_SHAPES, ...SENTINEL_SHAPES, ...CLUSTER_SHAPES };
