// This file is compiled but never run. It checks which clients the constructor accepts.
import { Redis } from '@upstash/redis';
import { Redis as CloudflareRedis } from '@upstash/redis/cloudflare';
import { Cluster as IoredisCluster, Redis as Ioredis } from 'ioredis';
import { createClient, createClientPool, createCluster } from 'redis';
import type { RedisStorageDriverClient } from '@temporal-redis-storage/core';
import { Redis as OldestRedis } from 'upstash-redis-oldest';
import { UpstashStorageDriverClient } from '@temporal-redis-storage/upstash';

const url = 'https://example.upstash.io';
const token = 'token';

const clients: RedisStorageDriverClient[] = [
  new UpstashStorageDriverClient(new Redis({ url, token })),
  new UpstashStorageDriverClient(Redis.fromEnv()),
  new UpstashStorageDriverClient(
    new Redis({ url, token, enableAutoPipelining: true, signal: () => AbortSignal.timeout(1000) }),
  ),
  new UpstashStorageDriverClient(new CloudflareRedis({ url, token })),
  new UpstashStorageDriverClient(new OldestRedis({ url, token })),
  new UpstashStorageDriverClient({ url, token }),
  UpstashStorageDriverClient.fromEnv(),
];

// @ts-expect-error a URL needs its token
clients.push(new UpstashStorageDriverClient(url));
// @ts-expect-error a URL needs its token
clients.push(new UpstashStorageDriverClient({ url }));
// @ts-expect-error an environment variable may be missing, which fromEnv() checks
clients.push(new UpstashStorageDriverClient({ url: process.env.UPSTASH_REDIS_REST_URL, token }));
// @ts-expect-error ioredis has its own adapter
clients.push(new UpstashStorageDriverClient(new Ioredis()));
// @ts-expect-error ioredis has its own adapter
clients.push(new UpstashStorageDriverClient(new IoredisCluster([])));
// @ts-expect-error node-redis has its own adapter
clients.push(new UpstashStorageDriverClient(createClient()));
// @ts-expect-error node-redis has its own adapter
clients.push(new UpstashStorageDriverClient(createClientPool()));
// @ts-expect-error node-redis has its own adapter
clients.push(new UpstashStorageDriverClient(createCluster({ rootNodes: [] })));
