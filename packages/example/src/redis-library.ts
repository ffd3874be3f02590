import type { RedisStorageDriverClient } from '@temporal-redis-storage/core';
import { IoredisStorageDriverClient } from '@temporal-redis-storage/ioredis';
import { NodeRedisStorageDriverClient } from '@temporal-redis-storage/node-redis';
import { startUpstash } from '@temporal-redis-storage/testing';
import { UpstashStorageDriverClient } from '@temporal-redis-storage/upstash';
import { Redis as UpstashRedis } from '@upstash/redis';
import { Redis as Ioredis } from 'ioredis';
import { createClient } from 'redis';

export const REDIS_LIBRARIES = ['node-redis', 'ioredis', 'upstash'] as const;
export type RedisLibrary = (typeof REDIS_LIBRARIES)[number];

export interface ConnectedClient {
  client: RedisStorageDriverClient;
  close(): Promise<unknown>;
}

/** Connects to the Redis at `url`. Only this function depends on the Redis library. */
export async function connect(library: RedisLibrary, url: string): Promise<ConnectedClient> {
  if (library === 'node-redis') {
    const redis = await createClient({ url }).on('error', ignoreError).connect();
    return { client: new NodeRedisStorageDriverClient(redis), close: async () => redis.close() };
  }
  if (library === 'ioredis') {
    const redis = new Ioredis(url).on('error', ignoreError);
    return { client: new IoredisStorageDriverClient(redis), close: async () => redis.quit() };
  }
  const endpoint = await startUpstash({ redis: parseAddress(url) });
  const redis = new UpstashRedis({ url: endpoint.url, token: endpoint.token });
  return { client: new UpstashStorageDriverClient(redis), close: async () => endpoint.stop() };
}

/** Ignores connection errors, because failing commands reject anyway. */
function ignoreError(): void {}

/** Parses the URL for the Upstash test endpoint, which only supports a host and a port. */
function parseAddress(url: string): { host: string; port: number } {
  const { protocol, username, password, hostname, port, pathname } = new URL(url);
  if (protocol !== 'redis:' || username || password || !['', '/', '/0'].includes(pathname)) {
    throw new Error('With upstash, --redis-url must not have TLS, a user, a password or a database');
  }
  return { host: hostname, port: Number(port || 6379) };
}
