import type { RedisStorageDriverClient } from '@temporal-redis-storage/core';
import { IoredisStorageDriverClient } from '@temporal-redis-storage/ioredis';
import { NodeRedisStorageDriverClient } from '@temporal-redis-storage/node-redis';
import { UpstashStorageDriverClient, type UpstashCredentials } from '@temporal-redis-storage/upstash';
import { Redis as UpstashRedis } from '@upstash/redis';
import { Redis } from 'ioredis';
import { createClient, RESP_TYPES } from 'redis';

/** The commands that an application would send without the driver. */
export interface Commands {
  set: (key: string, bytes: Uint8Array) => Promise<unknown>;
  get: (key: string) => Promise<Uint8Array | null>;
}

/** A connected Redis library and its adapter. */
export interface Library extends Commands {
  name: string;
  adapter: RedisStorageDriverClient;
  exists: (key: string) => Promise<boolean>;
  flush: () => Promise<unknown>;
  info: () => Promise<string>;
  close: () => void;
}

export async function openNodeRedis(url: string): Promise<Library> {
  const client = createClient({ url }).on('error', () => {}); // Failing commands reject anyway.
  await client.connect();
  const binary = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  return {
    name: 'node-redis',
    adapter: new NodeRedisStorageDriverClient(client),
    set: (key, bytes) => client.set(key, toBuffer(bytes), { condition: 'NX' }),
    get: (key) => binary.get(key),
    exists: async (key) => (await client.exists(key)) > 0,
    flush: () => client.flushAll(),
    info: () => client.info(),
    close: () => client.destroy(),
  };
}

export function openIoredis(url: string): Library {
  const client = new Redis(url);
  client.on('error', () => {});
  return {
    name: 'ioredis',
    adapter: new IoredisStorageDriverClient(client),
    set: (key, bytes) => client.set(key, toBuffer(bytes), 'NX'),
    get: (key) => client.getBuffer(key),
    exists: async (key) => (await client.exists(key)) > 0,
    flush: () => client.flushall(),
    info: () => client.info(),
    close: () => client.disconnect(),
  };
}

/** `set` and `get` are plain HTTP requests, because `@upstash/redis` itself only transfers text. */
export function openUpstash({ url, token }: UpstashCredentials): Library {
  const client = new UpstashRedis({ url, token });
  const request = async (path: string[], body?: Uint8Array): Promise<Uint8Array> => {
    const response = await fetch([url, ...path.map(encodeURIComponent)].join('/'), {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'upstash-response-format': 'resp2' },
      ...(body && { body }),
    });
    const reply = new Uint8Array(await response.arrayBuffer());
    if (!response.ok) throw new Error(`The endpoint answered with status ${response.status}`);
    return reply;
  };
  return {
    name: 'Upstash',
    adapter: new UpstashStorageDriverClient(client),
    set: (key, bytes) => request(['SETNX', key], bytes),
    get: async (key) => parseBulkString(await request(['GET', key])),
    exists: async (key) => (await client.exists(key)) > 0,
    flush: () => client.flushall(),
    info: async () => Buffer.from(await request(['INFO'])).toString(),
    close: () => {},
  };
}

/** Returns the bytes of a RESP2 bulk string, or null for a null reply. */
function parseBulkString(reply: Uint8Array): Uint8Array | null {
  return reply[1] === '-'.charCodeAt(0) ? null : reply.subarray(reply.indexOf('\n'.charCodeAt(0)) + 1, -2);
}

function toBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
