import { setTimeout as sleep } from 'node:timers/promises';
import { Redis as Upstash } from '@upstash/redis';
import * as ioredis6 from 'ioredis';
import * as ioredis5 from 'ioredis-5';
import * as redis6 from 'redis';
import * as redis5 from 'redis-5';
import type { RedisStorageDriverClient } from '@temporal-redis-storage/core';
import { IoredisStorageDriverClient } from '@temporal-redis-storage/ioredis';
import { NodeRedisStorageDriverClient, type NodeRedisClient } from '@temporal-redis-storage/node-redis';
import type { RedisAddress, RunningRedisSentinel } from '@temporal-redis-storage/testing';
import { UpstashStorageDriverClient } from '@temporal-redis-storage/upstash';

/** A client under test, with a listener for errors as in production. */
export interface OpenClient {
  client: RedisStorageDriverClient;
  /** The errors that its library has emitted. */
  errors: Error[];
  /** Resolves after the first attempt to connect, or after the first successful one if the client retries. */
  connected: Promise<unknown>;
  /** Closes the connection without waiting for requests. */
  close: () => unknown;
}

/** Addresses that a client connects to. */
export interface Endpoints extends RedisAddress {
  /** The sentinel. The master's address is replaced by `host` and `port`. Defaults to the same address. */
  sentinel?: RedisAddress;
  /** Whether to use TLS. The servers of the fault tests don't support it. */
  tls?: boolean;
  /** Milliseconds without data after which the client closes a TCP connection. */
  socketTimeout?: number;
  upstash: { url: string; token: string };
}

/** A Redis user other than the default one. */
export interface Login {
  username?: string;
  password?: string;
}

/** Login, database and TLS settings of a client. */
export interface Access extends Login {
  database?: number;
  /** Certificate authority for TLS, or `null` for the authorities that Node trusts. Without it, no TLS. */
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

/** Connects once. A failure to connect is also emitted as an error. */
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

/** Retries until connected, because a cluster client gives up when it can't reach its nodes. */
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

export function openIoredis(redis: ioredis6.Redis | ioredis6.Cluster): OpenClient {
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

/** Reconnects after a socket timeout. By default, node-redis closes the client for good. */
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

/** The shapes of one library: clients that connect to a fixed server, ask a sentinel for its address, or are a cluster's. */
type LibraryShapes = Record<'single' | 'sentinel' | 'cluster', Shapes>;

function createNodeRedisShapes(
  library: string,
  { createClient, createClientPool, createCluster, createSentinel }: typeof redis6,
): LibraryShapes {
  return {
    single: {
      [library]: (endpoints) => openPersistentNodeRedis(createClient({ ...buildNodeRedisOptions(endpoints), RESP: 2 })),
      [`${library}, RESP3`]: (endpoints) =>
        openPersistentNodeRedis(createClient({ ...buildNodeRedisOptions(endpoints), RESP: 3 })),
      [`${library}, pool`]: (endpoints) => openPersistentNodeRedis(createClientPool(buildNodeRedisOptions(endpoints))),
    },
    sentinel: {
      [`${library}, sentinel`](endpoints) {
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
    },
    cluster: {
      [`${library}, cluster`]: (endpoints) =>
        openPersistentNodeRedis(
          createCluster({ rootNodes: [{ url: buildUrl(endpoints) }], defaults: buildSocketOptions(endpoints) }),
        ),
    },
  };
}

function createIoredisShapes(
  library: string,
  { Redis, Cluster }: Pick<typeof ioredis6, 'Redis' | 'Cluster'>,
): LibraryShapes {
  return {
    single: {
      [library]: (endpoints) => openIoredis(new Redis(endpoints.port, endpoints.host, buildIoredisOptions(endpoints))),
      [`${library}, autopipelining`]: (endpoints) =>
        openIoredis(
          new Redis(endpoints.port, endpoints.host, { ...buildIoredisOptions(endpoints), enableAutoPipelining: true }),
        ),
    },
    sentinel: {
      [`${library}, sentinel`](endpoints) {
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
    },
    cluster: {
      [`${library}, cluster`]: (endpoints) =>
        openIoredis(
          new Cluster([{ host: endpoints.host, port: endpoints.port }], {
            redisOptions: buildIoredisOptions(endpoints),
          }),
        ),
    },
  };
}

const NODE_REDIS = createNodeRedisShapes('node-redis', redis6);
const NODE_REDIS_5 = createNodeRedisShapes('node-redis 5', redis5 as unknown as typeof redis6);
const IOREDIS = createIoredisShapes('ioredis', ioredis6);
const IOREDIS_5 = createIoredisShapes('ioredis 5', ioredis5 as unknown as typeof ioredis6);

/** Clients that connect to a fixed server. */
export const SINGLE_SHAPES: Shapes = {
  ...NODE_REDIS.single,
  ...IOREDIS.single,
  'Upstash, @upstash/redis client': ({ upstash: { url, token } }) => openUpstash(new Upstash({ url, token })),
  'Upstash, URL and token': ({ upstash: { url, token } }) => openUpstash({ url, token }),
};

/** Clients of the cluster that a node belongs to. */
export const CLUSTER_SHAPES: Shapes = { ...NODE_REDIS.cluster, ...IOREDIS.cluster };

/** Every shape of client that an adapter takes. */
export const SHAPES: Shapes = { ...SINGLE_SHAPES, ...NODE_REDIS.sentinel, ...IOREDIS.sentinel, ...CLUSTER_SHAPES };

/** The same shapes in the previous major versions of the libraries. */
export const PREVIOUS_MAJOR_SHAPES: Shapes = {
  ...NODE_REDIS_5.single,
  ...NODE_REDIS_5.sentinel,
  ...NODE_REDIS_5.cluster,
  ...IOREDIS_5.single,
  ...IOREDIS_5.sentinel,
  ...IOREDIS_5.cluster,
};

/** The ready check of ioredis sends INFO, and prints a warning if the user may not run it. */
const WITHOUT_INFO = { enableReadyCheck: false };

/** Clients of one server, with a login, a database or TLS. They don't reconnect after a failure. */
export const SERVER_CLIENTS: Record<string, (server: RedisAddress, access?: Access) => Promise<OpenClient>> = {
  async 'node-redis'({ host, port }, { ca, ...access } = {}) {
    const socket = { host, port, reconnectStrategy: false } as const;
    const tls = { tls: true, ...(ca && { ca }) } as const;
    return waitForConnection(
      openNodeRedis(redis6.createClient({ ...access, socket: ca === undefined ? socket : { ...socket, ...tls } })),
    );
  },
  async ioredis({ host, port }, { ca, database = 0, ...login } = {}) {
    const tls = ca === undefined ? {} : { tls: ca ? { ca } : {} };
    return openIoredis(
      new ioredis6.Redis({ host, port, db: database, ...login, ...tls, ...WITHOUT_INFO, retryStrategy: () => null }),
    );
  },
};

/** Clients of the cluster that a node belongs to, reading from masters or replicas. */
export const CLUSTER_CLIENTS: Record<string, (node: RedisAddress, login?: Login) => Promise<OpenClient>> = {
  'node-redis': (node, login) => openNodeRedisCluster(node, login),
  'node-redis, reading from replicas': (node, login) => openNodeRedisCluster(node, login, { useReplicas: true }),
  ioredis: async (node, login) => openIoredisCluster(node, login),
  'ioredis, reading from replicas': async (node, login) => openIoredisCluster(node, login, { scaleReads: 'slave' }),
  'ioredis, autopipelining': async (node, login) => openIoredisCluster(node, login, { enableAutoPipelining: true }),
};

/** Clients that find the master through sentinels, reading from the master or from replicas. */
export const SENTINEL_CLIENTS: Record<string, (sentinel: RunningRedisSentinel) => Promise<OpenClient>> = {
  'node-redis': (sentinel) => openNodeRedisSentinel(sentinel),
  'node-redis, reading from replicas': (sentinel) => openNodeRedisSentinel(sentinel, { replicaPoolSize: 1 }),
  ioredis: async ({ name, sentinels }) => openIoredis(new ioredis6.Redis({ name, sentinels })),
  'ioredis, detecting failovers': async ({ name, sentinels }) =>
    openIoredis(new ioredis6.Redis({ name, sentinels, failoverDetector: true })),
};

async function waitForConnection(open: OpenClient): Promise<OpenClient> {
  await open.connected;
  return open;
}

function openNodeRedisCluster(
  { host, port }: RedisAddress,
  login: Login = {},
  options: { useReplicas?: boolean } = {},
): Promise<OpenClient> {
  return waitForConnection(
    openNodeRedis(redis6.createCluster({ rootNodes: [{ socket: { host, port } }], defaults: login, ...options })),
  );
}

function openIoredisCluster(
  { host, port }: RedisAddress,
  login?: Login,
  options: { scaleReads?: 'slave'; enableAutoPipelining?: boolean } = {},
): OpenClient {
  return openIoredis(
    new ioredis6.Cluster([{ host, port }], { redisOptions: { ...login, ...WITHOUT_INFO }, ...options }),
  );
}

function openNodeRedisSentinel(
  { name, sentinels }: RunningRedisSentinel,
  options: { replicaPoolSize?: number } = {},
): Promise<OpenClient> {
  return waitForConnection(openNodeRedis(redis6.createSentinel({ name, sentinelRootNodes: sentinels, ...options })));
}
