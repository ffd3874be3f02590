import { Cluster, Redis } from 'ioredis';
import { createClient, createCluster, createSentinel } from 'redis';
import type { RedisStorageDriverClient } from '@temporal-redis-storage/core';
import { IoredisStorageDriverClient } from '@temporal-redis-storage/ioredis';
import { NodeRedisStorageDriverClient, type NodeRedisClient } from '@temporal-redis-storage/node-redis';
import type { RedisAddress, RunningRedisSentinel } from '@temporal-redis-storage/testing';

/** A client under test. */
export interface OpenClient {
  client: RedisStorageDriverClient;
  /** What its library told its owner by error events. */
  errors: Error[];
  close(): unknown;
}

/** Who asks, if not the default user. */
export interface Login {
  username?: string;
  password?: string;
}

/** How a server is to be reached. */
export interface Access extends Login {
  database?: number;
  /** TLS with this certificate authority, `null` for those that Node trusts. */
  ca?: Buffer | null;
}

/** Clients of one server, which don't connect again once they were refused. */
export const SERVER_CLIENTS: Record<string, (server: RedisAddress, access?: Access) => Promise<OpenClient>> = {
  async 'node-redis'({ host, port }, { ca, ...access } = {}) {
    const socket = { host, port, reconnectStrategy: false } as const;
    const tls = { tls: true, ...(ca && { ca }) } as const;
    return openNodeRedis(createClient({ ...access, socket: ca === undefined ? socket : { ...socket, ...tls } }));
  },
  async ioredis({ host, port }, { ca, database = 0, ...login } = {}) {
    const tls = ca === undefined ? {} : { tls: ca ? { ca } : {} };
    return openIoredis(
      new Redis({ host, port, db: database, ...login, ...tls, ...WITHOUT_INFO, retryStrategy: () => null }),
    );
  },
};

/** Clients of the cluster that a node belongs to. */
export const CLUSTER_CLIENTS: Record<string, (node: RedisAddress, login?: Login) => Promise<OpenClient>> = {
  'node-redis': async (node, login) => nodeRedisCluster(node, login),
  'node-redis, reading from replicas': async (node, login) => nodeRedisCluster(node, login, { useReplicas: true }),
  ioredis: async (node, login) => ioredisCluster(node, login),
  'ioredis, reading from replicas': async (node, login) => ioredisCluster(node, login, { scaleReads: 'slave' }),
  'ioredis, autopipelining': async (node, login) => ioredisCluster(node, login, { enableAutoPipelining: true }),
};

/** Clients that find the master by its sentinels. */
export const SENTINEL_CLIENTS: Record<string, (sentinel: RunningRedisSentinel) => Promise<OpenClient>> = {
  'node-redis': async (sentinel) => nodeRedisSentinel(sentinel),
  'node-redis, reading from replicas': async (sentinel) => nodeRedisSentinel(sentinel, { replicaPoolSize: 1 }),
  ioredis: async ({ name, sentinels }) => openIoredis(new Redis({ name, sentinels })),
  'ioredis, detecting failovers': async ({ name, sentinels }) =>
    openIoredis(new Redis({ name, sentinels, failoverDetector: true })),
};

/** ioredis asks for INFO by default, and warns on the console if a user may not. */
const WITHOUT_INFO = { enableReadyCheck: false };

function nodeRedisCluster(
  { host, port }: RedisAddress,
  login: Login = {},
  options: { useReplicas?: boolean } = {},
): Promise<OpenClient> {
  return openNodeRedis(createCluster({ rootNodes: [{ socket: { host, port } }], defaults: login, ...options }));
}

function ioredisCluster(
  { host, port }: RedisAddress,
  login?: Login,
  options: { scaleReads?: 'slave'; enableAutoPipelining?: boolean } = {},
): OpenClient {
  return openIoredis(new Cluster([{ host, port }], { redisOptions: { ...login, ...WITHOUT_INFO }, ...options }));
}

function nodeRedisSentinel(
  { name, sentinels }: RunningRedisSentinel,
  options: { replicaPoolSize?: number } = {},
): Promise<OpenClient> {
  return openNodeRedis(createSentinel({ name, sentinelRootNodes: sentinels, ...options }));
}

interface NodeRedisConnection extends NodeRedisClient {
  readonly isOpen: boolean;
  on(event: 'error', listener: (error: Error) => void): unknown;
  connect(): Promise<unknown>;
  destroy(): unknown;
}

async function openNodeRedis(redis: NodeRedisConnection): Promise<OpenClient> {
  const errors: Error[] = [];
  redis.on('error', (error) => errors.push(error));
  // A refusal comes as an event too.
  await redis.connect().catch(() => {});
  return { client: new NodeRedisStorageDriverClient(redis), errors, close: () => redis.isOpen && redis.destroy() };
}

function openIoredis(redis: Redis | Cluster): OpenClient {
  const errors: Error[] = [];
  redis.on('error', (error: Error) => errors.push(error));
  return {
    client: new IoredisStorageDriverClient(redis),
    errors,
    close: () => redis.status === 'end' || redis.disconnect(),
  };
}
