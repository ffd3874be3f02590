import { setTimeout as sleep } from 'node:timers/promises';
import { Redis as Upstash } from '@upstash/redis';
import { Cluster, Redis } from 'ioredis';
import { createClient, createClientPool, createCluster, createSentinel } from 'redis';
import type { RedisStorageDriverClient } from '@temporal-redis-storage/core';
import { IoredisStorageDriverClient } from '@temporal-redis-storage/ioredis';
import { NodeRedisStorageDriverClient, type NodeRedisClient } from '@temporal-redis-storage/node-redis';
import type { RedisAddress, RunningRedisSentinel } from '@temporal-redis-storage/testing';
import { UpstashStorageDriverClient } from '@temporal-redis-storage/upstash';

/** A client under test, opened as a careful user does: with a listener for errors. */
export interface OpenClient {
  client: RedisStorageDriverClient;
  /** The errors that its library has emitted. */
  errors: Error[];
  /** Resolves once the first attempt to connect is over, or the first successful one if it must reach its server. */
  connected: Promise<unknown>;
  /** Closes the connection without waiting for requests. */
  close: () => unknown;
}

/** Where a client connects to. */
export interface Endpoints extends RedisAddress {
  /** Its master is taken to be at `host` and `port`, whatever address it gives. Defaults to the same address. */
  sentinel?: RedisAddress;
  /** Whether to use TLS, which no server of the fault tests speaks. */
  tls?: boolean;
  /** How long a TCP connection may be silent before its client takes it for dead, in milliseconds. */
  socketTimeout?: number;
  upstash: { url: string; token: string };
}

/** A Redis user other than the default one. */
export interface Login {
  username?: string;
  password?: string;
}

/** How to reach a server. */
export interface Access extends Login {
  database?: number;
  /** TLS with this certificate authority, `null` for those that Node trusts. */
  ca?: Buffer | null;
}

/** The name by which the sentinels know the master. */
export const MASTER_NAME = 'mymaster';

interface NodeRedisConnection extends NodeRedisClient {
  readonly isOpen: boolean;
  on(event: 'error', listener: (error: Error) => void): unknown;
  connect(): Promise<unknown>;
  destroy(): unknown;
}

/** Connects once. A refusal is emitted as an error, too. */
export function openNodeRedis(redis: NodeRedisConnection): OpenClient {
  const errors: Error[] = [];
  redis.on('error', (error) => errors.push(error));
  return {
    client: new NodeRedisStorageDriverClient(redis),
    errors,
    connected: redis.connect().catch(() => {}),
    close: () => redis.isOpen && redis.destroy(),
  };
}

/** Connects again and again: a cluster that can't be reached gives up otherwise. */
function openPersistentNodeRedis(redis: NodeRedisConnection): OpenClient {
  const closed = new AbortController();
  const connect = async (): Promise<void> => {
    while (!closed.signal.aborted) {
      try {
        await redis.connect();
        return;
      } catch {
        await sleep(100);
      }
    }
  };
  const errors: Error[] = [];
  redis.on('error', (error) => errors.push(error));
  const close = (): void => {
    closed.abort();
    redis.destroy();
  };
  return { client: new NodeRedisStorageDriverClient(redis), errors, connected: connect(), close };
}

export function openIoredis(redis: Redis | Cluster): OpenClient {
  const errors: Error[] = [];
  redis.on('error', (error: Error) => errors.push(error));
  return {
    client: new IoredisStorageDriverClient(redis),
    errors,
    connected: Promise.resolve(),
    close: () => redis.status === 'end' || redis.disconnect(),
  };
}

function openUpstash(source: ConstructorParameters<typeof UpstashStorageDriverClient>[0]): OpenClient {
  return { client: new UpstashStorageDriverClient(source), errors: [], connected: Promise.resolve(), close: () => {} };
}

const buildUrl = ({ host, port, tls }: Endpoints): string => `${tls ? 'rediss' : 'redis'}://${host}:${port}`;

/** By default, node-redis closes a client forever when it takes the connection for dead. */
const buildSocketOptions = ({
  socketTimeout,
}: Endpoints): { socket?: { socketTimeout: number; reconnectStrategy: number } } =>
  socketTimeout === undefined ? {} : { socket: { socketTimeout, reconnectStrategy: 100 } };

const buildNodeRedisOptions = (endpoints: Endpoints) => ({
  url: buildUrl(endpoints),
  ...buildSocketOptions(endpoints),
});

const buildIoredisOptions = ({ tls, socketTimeout }: Endpoints): { tls?: object; socketTimeout?: number } => ({
  ...(tls && { tls: {} }),
  ...(socketTimeout !== undefined && { socketTimeout }),
});

type Shapes = Record<string, (endpoints: Endpoints) => OpenClient>;

/** Clients that know where their server is. */
export const SINGLE_SHAPES: Shapes = {
  'node-redis': (endpoints) => openPersistentNodeRedis(createClient({ ...buildNodeRedisOptions(endpoints), RESP: 2 })),
  'node-redis, RESP3': (endpoints) =>
    openPersistentNodeRedis(createClient({ ...buildNodeRedisOptions(endpoints), RESP: 3 })),
  'node-redis, pool': (endpoints) => openPersistentNodeRedis(createClientPool(buildNodeRedisOptions(endpoints))),
  ioredis: (endpoints) => openIoredis(new Redis(endpoints.port, endpoints.host, buildIoredisOptions(endpoints))),
  'ioredis, autopipelining': (endpoints) =>
    openIoredis(
      new Redis(endpoints.port, endpoints.host, { ...buildIoredisOptions(endpoints), enableAutoPipelining: true }),
    ),
  'Upstash, by its Redis': ({ upstash: { url, token } }) => openUpstash(new Upstash({ url, token })),
  'Upstash, by URL and token': ({ upstash: { url, token } }) => openUpstash({ url, token }),
};

/** Clients that ask a sentinel where their server is. */
const SENTINEL_SHAPES: Shapes = {
  'node-redis, sentinel'(endpoints) {
    const { host, port, tls, sentinel = { host, port } } = endpoints;
    const sentinelAddress = `${sentinel.host}:${sentinel.port}`;
    return openPersistentNodeRedis(
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

/** Clients of the cluster that a node belongs to. */
export const CLUSTER_SHAPES: Shapes = {
  'node-redis, cluster': (endpoints) =>
    openPersistentNodeRedis(
      createCluster({ rootNodes: [{ url: buildUrl(endpoints) }], defaults: buildSocketOptions(endpoints) }),
    ),
  'ioredis, cluster': (endpoints) =>
    openIoredis(
      new Cluster([{ host: endpoints.host, port: endpoints.port }], { redisOptions: buildIoredisOptions(endpoints) }),
    ),
};

/** Every shape of client that an adapter takes. */
export const SHAPES = { ...SINGLE_SHAPES, ...SENTINEL_SHAPES, ...CLUSTER_SHAPES };

/** With its ready check, ioredis asks for INFO, and warns on the console if the user isn't allowed to. */
const WITHOUT_INFO = { enableReadyCheck: false };

/** Clients of one server, with a login, a database or TLS. They don't reconnect after a refusal. */
export const SERVER_CLIENTS: Record<string, (server: RedisAddress, access?: Access) => Promise<OpenClient>> = {
  async 'node-redis'({ host, port }, { ca, ...access } = {}) {
    const socket = { host, port, reconnectStrategy: false } as const;
    const tls = { tls: true, ...(ca && { ca }) } as const;
    return whenConnected(
      openNodeRedis(createClient({ ...access, socket: ca === undefined ? socket : { ...socket, ...tls } })),
    );
  },
  async ioredis({ host, port }, { ca, database = 0, ...login } = {}) {
    const tls = ca === undefined ? {} : { tls: ca ? { ca } : {} };
    return openIoredis(
      new Redis({ host, port, db: database, ...login, ...tls, ...WITHOUT_INFO, retryStrategy: () => null }),
    );
  },
};

/** Clients of the cluster that a node belongs to, by what they read from. */
export const CLUSTER_CLIENTS: Record<string, (node: RedisAddress, login?: Login) => Promise<OpenClient>> = {
  'node-redis': (node, login) => openNodeRedisCluster(node, login),
  'node-redis, reading from replicas': (node, login) => openNodeRedisCluster(node, login, { useReplicas: true }),
  ioredis: async (node, login) => openIoredisCluster(node, login),
  'ioredis, reading from replicas': async (node, login) => openIoredisCluster(node, login, { scaleReads: 'slave' }),
  'ioredis, autopipelining': async (node, login) => openIoredisCluster(node, login, { enableAutoPipelining: true }),
};

/** Clients that find the master by its sentinels, by what they read from. */
export const SENTINEL_CLIENTS: Record<string, (sentinel: RunningRedisSentinel) => Promise<OpenClient>> = {
  'node-redis': (sentinel) => openNodeRedisSentinel(sentinel),
  'node-redis, reading from replicas': (sentinel) => openNodeRedisSentinel(sentinel, { replicaPoolSize: 1 }),
  ioredis: async ({ name, sentinels }) => openIoredis(new Redis({ name, sentinels })),
  'ioredis, detecting failovers': async ({ name, sentinels }) =>
    openIoredis(new Redis({ name, sentinels, failoverDetector: true })),
};

async function whenConnected(open: OpenClient): Promise<OpenClient> {
  await open.connected;
  return open;
}

function openNodeRedisCluster(
  { host, port }: RedisAddress,
  login: Login = {},
  options: { useReplicas?: boolean } = {},
): Promise<OpenClient> {
  return whenConnected(
    openNodeRedis(createCluster({ rootNodes: [{ socket: { host, port } }], defaults: login, ...options })),
  );
}

function openIoredisCluster(
  { host, port }: RedisAddress,
  login?: Login,
  options: { scaleReads?: 'slave'; enableAutoPipelining?: boolean } = {},
): OpenClient {
  return openIoredis(new Cluster([{ host, port }], { redisOptions: { ...login, ...WITHOUT_INFO }, ...options }));
}

function openNodeRedisSentinel(
  { name, sentinels }: RunningRedisSentinel,
  options: { replicaPoolSize?: number } = {},
): Promise<OpenClient> {
  return whenConnected(openNodeRedis(createSentinel({ name, sentinelRootNodes: sentinels, ...options })));
}
