// This file is compiled but never run. It checks which clients the constructor accepts.
import { Redis as Upstash } from '@upstash/redis';
import Ioredis6 from 'ioredis';
import Ioredis5 from 'ioredis-5';
import OldestIoredis from 'ioredis-oldest';
import Iovalkey from 'iovalkey';
import { createClient, createClientPool, createCluster } from 'redis';
import type { RedisStorageDriverClient } from '@temporal-redis-storage/core';
import { IoredisStorageDriverClient } from '@temporal-redis-storage/ioredis';

const url = 'redis://localhost';
const nodes = [{ host: 'localhost', port: 6379 }];

export const ioredis6Clients: RedisStorageDriverClient[] = [
  new IoredisStorageDriverClient(new Ioredis6()),
  new IoredisStorageDriverClient(new Ioredis6(url, { keyPrefix: 'app:', lazyConnect: true })),
  new IoredisStorageDriverClient(new Ioredis6({ enableAutoPipelining: true, stringNumbers: true })),
  new IoredisStorageDriverClient(new Ioredis6({ name: 'mymaster', sentinels: nodes, role: 'slave' })),
  new IoredisStorageDriverClient(new Ioredis6().duplicate()),
  new IoredisStorageDriverClient(new Ioredis6({ protocol: 2 })),
  new IoredisStorageDriverClient(new Ioredis6({ replyMapping: 'resp3' })),
  new IoredisStorageDriverClient(new Ioredis6.Cluster(nodes)),
  new IoredisStorageDriverClient(new Ioredis6.Cluster(nodes, { scaleReads: 'slave', enableAutoPipelining: true })),
];

export const ioredis5Clients: RedisStorageDriverClient[] = [
  new IoredisStorageDriverClient(new Ioredis5()),
  new IoredisStorageDriverClient(new Ioredis5(url, { keyPrefix: 'app:', lazyConnect: true })),
  new IoredisStorageDriverClient(new Ioredis5({ enableAutoPipelining: true, stringNumbers: true })),
  new IoredisStorageDriverClient(new Ioredis5({ name: 'mymaster', sentinels: nodes, role: 'slave' })),
  new IoredisStorageDriverClient(new Ioredis5().duplicate()),
  new IoredisStorageDriverClient(new Ioredis5.Cluster(nodes)),
  new IoredisStorageDriverClient(new Ioredis5.Cluster(nodes, { scaleReads: 'slave', enableAutoPipelining: true })),
];

export const oldestIoredisClients: RedisStorageDriverClient[] = [
  new IoredisStorageDriverClient(new OldestIoredis()),
  new IoredisStorageDriverClient(new OldestIoredis(url, { keyPrefix: 'app:', lazyConnect: true })),
  new IoredisStorageDriverClient(new OldestIoredis({ enableAutoPipelining: true, stringNumbers: true })),
  new IoredisStorageDriverClient(new OldestIoredis({ name: 'mymaster', sentinels: nodes, role: 'slave' })),
  new IoredisStorageDriverClient(new OldestIoredis().duplicate()),
  new IoredisStorageDriverClient(new OldestIoredis.Cluster(nodes)),
  new IoredisStorageDriverClient(new OldestIoredis.Cluster(nodes, { scaleReads: 'slave', enableAutoPipelining: true })),
];

export const iovalkeyClients: RedisStorageDriverClient[] = [
  new IoredisStorageDriverClient(new Iovalkey()),
  new IoredisStorageDriverClient(new Iovalkey(url, { keyPrefix: 'app:', lazyConnect: true })),
  new IoredisStorageDriverClient(new Iovalkey({ enableAutoPipelining: true, stringNumbers: true })),
  new IoredisStorageDriverClient(new Iovalkey({ name: 'mymaster', sentinels: nodes, role: 'slave' })),
  new IoredisStorageDriverClient(new Iovalkey().duplicate()),
  new IoredisStorageDriverClient(new Iovalkey.Cluster(nodes)),
  new IoredisStorageDriverClient(new Iovalkey.Cluster(nodes, { scaleReads: 'slave', enableAutoPipelining: true })),
];

export const refused: RedisStorageDriverClient[] = [
  // @ts-expect-error the caller creates the client
  new IoredisStorageDriverClient(url),
  // @ts-expect-error the caller creates the client
  new IoredisStorageDriverClient({ host: 'localhost', port: 6379 }),
  // @ts-expect-error a pipeline's commands resolve only when it is executed
  new IoredisStorageDriverClient(new Ioredis6().pipeline()),
  // @ts-expect-error a transaction's commands resolve only when it is executed
  new IoredisStorageDriverClient(new Ioredis6().multi()),
  // @ts-expect-error node-redis has its own adapter
  new IoredisStorageDriverClient(createClient()),
  // @ts-expect-error node-redis has its own adapter
  new IoredisStorageDriverClient(createClientPool()),
  // @ts-expect-error node-redis has its own adapter
  new IoredisStorageDriverClient(createCluster({ rootNodes: [{ url }] })),
  // @ts-expect-error Upstash has its own adapter
  new IoredisStorageDriverClient(Upstash.fromEnv()),
  // @ts-expect-error undefined is not a client
  new IoredisStorageDriverClient(undefined),
];
