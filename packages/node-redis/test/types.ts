// This file is compiled but never run. It checks which clients the constructor accepts.
import { Redis as Upstash } from '@upstash/redis';
import { Cluster, Redis } from 'ioredis';
import * as redis6 from 'redis';
import * as redis5 from 'redis-5';
import * as oldest from 'redis-client-oldest';
import type { RedisStorageDriverClient } from '@temporal-redis-storage/core';
import { NodeRedisStorageDriverClient } from '@temporal-redis-storage/node-redis';

const url = 'redis://localhost';
const name = 'mymaster';
const rootNodes = [{ url }];
const sentinelRootNodes = [{ host: 'localhost', port: 26_379 }];
const TO_BUFFERS = { [redis6.RESP_TYPES.BLOB_STRING]: Buffer };
const TO_STRINGS = { [redis6.RESP_TYPES.BLOB_STRING]: String };

export const redis6Clients = async (): Promise<RedisStorageDriverClient[]> => [
  new NodeRedisStorageDriverClient(redis6.createClient()),
  new NodeRedisStorageDriverClient(redis6.createClient({ url, RESP: 2 })),
  new NodeRedisStorageDriverClient(redis6.createClient({ url, RESP: 3 })),
  new NodeRedisStorageDriverClient(redis6.createClient({ commandOptions: { typeMapping: TO_BUFFERS } })),
  new NodeRedisStorageDriverClient(redis6.createClient().withTypeMapping(TO_BUFFERS)),
  new NodeRedisStorageDriverClient(redis6.createClient().withTypeMapping(TO_STRINGS)),
  new NodeRedisStorageDriverClient(redis6.createClient().withTypeMapping({})),
  new NodeRedisStorageDriverClient(redis6.createClient().on('error', () => {})),
  new NodeRedisStorageDriverClient(await redis6.createClient({ url }).connect()),
  new NodeRedisStorageDriverClient(redis6.createClientPool()),
  new NodeRedisStorageDriverClient(redis6.createClientPool({ url, RESP: 3 }, { maximum: 10 })),
  new NodeRedisStorageDriverClient(redis6.createCluster({ rootNodes })),
  new NodeRedisStorageDriverClient(redis6.createCluster({ rootNodes, RESP: 3, useReplicas: true })),
  new NodeRedisStorageDriverClient(await redis6.createCluster({ rootNodes }).connect()),
  new NodeRedisStorageDriverClient(redis6.createSentinel({ name, sentinelRootNodes })),
  new NodeRedisStorageDriverClient(redis6.createSentinel({ name, sentinelRootNodes, RESP: 3, replicaPoolSize: 1 })),
  new NodeRedisStorageDriverClient(await redis6.createSentinel({ name, sentinelRootNodes }).connect()),
];

export const redis5Clients = async (): Promise<RedisStorageDriverClient[]> => [
  new NodeRedisStorageDriverClient(redis5.createClient()),
  new NodeRedisStorageDriverClient(redis5.createClient({ url, RESP: 2 })),
  new NodeRedisStorageDriverClient(redis5.createClient({ url, RESP: 3 })),
  new NodeRedisStorageDriverClient(redis5.createClient({ commandOptions: { typeMapping: TO_BUFFERS } })),
  new NodeRedisStorageDriverClient(redis5.createClient().withTypeMapping(TO_BUFFERS)),
  new NodeRedisStorageDriverClient(redis5.createClient().withTypeMapping(TO_STRINGS)),
  new NodeRedisStorageDriverClient(redis5.createClient().withTypeMapping({})),
  new NodeRedisStorageDriverClient(redis5.createClient().on('error', () => {})),
  new NodeRedisStorageDriverClient(await redis5.createClient({ url }).connect()),
  new NodeRedisStorageDriverClient(redis5.createClientPool()),
  new NodeRedisStorageDriverClient(redis5.createClientPool({ url, RESP: 3 }, { maximum: 10 })),
  new NodeRedisStorageDriverClient(redis5.createCluster({ rootNodes })),
  new NodeRedisStorageDriverClient(redis5.createCluster({ rootNodes, RESP: 3, useReplicas: true })),
  new NodeRedisStorageDriverClient(await redis5.createCluster({ rootNodes }).connect()),
  new NodeRedisStorageDriverClient(redis5.createSentinel({ name, sentinelRootNodes })),
  new NodeRedisStorageDriverClient(redis5.createSentinel({ name, sentinelRootNodes, RESP: 3, replicaPoolSize: 1 })),
  new NodeRedisStorageDriverClient(await redis5.createSentinel({ name, sentinelRootNodes }).connect()),
];

export const oldestClients = async (): Promise<RedisStorageDriverClient[]> => [
  new NodeRedisStorageDriverClient(oldest.createClient()),
  new NodeRedisStorageDriverClient(oldest.createClient({ url, RESP: 2 })),
  new NodeRedisStorageDriverClient(oldest.createClient({ url, RESP: 3 })),
  new NodeRedisStorageDriverClient(oldest.createClient({ commandOptions: { typeMapping: TO_BUFFERS } })),
  new NodeRedisStorageDriverClient(oldest.createClient().withTypeMapping(TO_BUFFERS)),
  new NodeRedisStorageDriverClient(oldest.createClient().withTypeMapping(TO_STRINGS)),
  new NodeRedisStorageDriverClient(oldest.createClient().withTypeMapping({})),
  new NodeRedisStorageDriverClient(oldest.createClient().on('error', () => {})),
  new NodeRedisStorageDriverClient(await oldest.createClient({ url }).connect()),
  new NodeRedisStorageDriverClient(oldest.createClientPool()),
  new NodeRedisStorageDriverClient(oldest.createClientPool({ url, RESP: 3 }, { maximum: 10 })),
  new NodeRedisStorageDriverClient(oldest.createCluster({ rootNodes })),
  new NodeRedisStorageDriverClient(oldest.createCluster({ rootNodes, RESP: 3, useReplicas: true })),
  new NodeRedisStorageDriverClient(await oldest.createCluster({ rootNodes }).connect()),
  new NodeRedisStorageDriverClient(oldest.createSentinel({ name, sentinelRootNodes })),
  new NodeRedisStorageDriverClient(oldest.createSentinel({ name, sentinelRootNodes, RESP: 3, replicaPoolSize: 1 })),
  new NodeRedisStorageDriverClient(await oldest.createSentinel({ name, sentinelRootNodes }).connect()),
];

export const refused = (): RedisStorageDriverClient[] => [
  // @ts-expect-error the caller creates the client
  new NodeRedisStorageDriverClient(url),
  // @ts-expect-error the caller creates the client
  new NodeRedisStorageDriverClient({ url }),
  // @ts-expect-error connect() has to be awaited
  new NodeRedisStorageDriverClient(redis6.createClient().connect()),
  // @ts-expect-error a transaction's commands resolve only when it is executed
  new NodeRedisStorageDriverClient(redis6.createClient().multi()),
  // @ts-expect-error ioredis has its own adapter
  new NodeRedisStorageDriverClient(new Redis()),
  // @ts-expect-error ioredis has its own adapter
  new NodeRedisStorageDriverClient(new Cluster([])),
  // @ts-expect-error Upstash has its own adapter
  new NodeRedisStorageDriverClient(Upstash.fromEnv()),
  // @ts-expect-error undefined is not a client
  new NodeRedisStorageDriverClient(undefined),
];
