import type { RedisStorageDriverClient } from '@temporal-redis-storage/core';
import { IoredisStorageDriverClient } from '@temporal-redis-storage/ioredis';
import { NodeRedisStorageDriverClient } from '@temporal-redis-storage/node-redis';
import { Redis } from 'ioredis';
import { createClient, RESP_TYPES } from 'redis';

/** A Redis library, with its adapter and with the calls that a program would make by hand. */
export interface Library {
  name: string;
  adapter: RedisStorageDriverClient;
  set: (key: string, bytes: Uint8Array) => Promise<unknown>;
  get: (key: string) => Promise<Uint8Array | null>;
  exists: (key: string) => Promise<boolean>;
  flush: () => Promise<unknown>;
  info: () => Promise<string>;
  close: () => void;
}

export async function openNodeRedis(url: string): Promise<Library> {
  const client = createClient({ url });
  await client.connect();
  const binary = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  return {
    name: 'node-redis',
    adapter: new NodeRedisStorageDriverClient(client),
    set: (key, bytes) => client.set(key, viewOf(bytes), { condition: 'NX' }),
    get: (key) => binary.get(key),
    exists: async (key) => (await client.exists(key)) > 0,
    flush: () => client.flushAll(),
    info: () => client.info(),
    close: () => client.destroy(),
  };
}

export function openIoredis(url: string): Library {
  const client = new Redis(url);
  return {
    name: 'ioredis',
    adapter: new IoredisStorageDriverClient(client),
    set: (key, bytes) => client.set(key, viewOf(bytes), 'NX'),
    get: (key) => client.getBuffer(key),
    exists: async (key) => (await client.exists(key)) > 0,
    flush: () => client.flushall(),
    info: () => client.info(),
    close: () => client.disconnect(),
  };
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
