import { isNativeError, isUint8Array } from 'node:util/types';
import type { RedisRequestOptions, RedisSetOptions, RedisStorageDriverClient } from '@temporal-redis-storage/core';

/**
 * The commands that {@link NodeRedisStorageDriverClient} sends.
 *
 * @experimental
 */
export interface NodeRedisCommands {
  get(key: string): Promise<unknown>;
  set(key: string, value: Buffer, options: NodeRedisSetOptions): Promise<unknown>;
  setRange(key: string, offset: number, value: string): Promise<unknown>;
  eval(script: string, options: { keys: string[] }): Promise<unknown>;
}

/**
 * Options of the `SET` that {@link NodeRedisStorageDriverClient} sends.
 *
 * @experimental
 */
export interface NodeRedisSetOptions {
  condition: 'NX';
  expiration?: { type: 'PX'; value: number };
}

/**
 * The part of a node-redis client that {@link NodeRedisStorageDriverClient} uses: those of `createClient`,
 * `createClientPool`, `createCluster` and `createSentinel` all have it.
 *
 * @experimental
 */
export interface NodeRedisClient extends NodeRedisCommands {
  withTypeMapping(typeMapping: { 36: typeof Buffer }): NodeRedisCommands;
}

/** Bulk strings as Buffers; 36 is `RESP_TYPES.BLOB_STRING`. */
const BYTES = { 36: Buffer };

/**
 * A `GET` that a replica refuses: `GETEX` counts as a write, but changes nothing without options. node-redis sends every
 * `EVAL` to the primary; its own `getEx` always has an option, and may go to a replica.
 */
const GET_FROM_PRIMARY = "return redis.call('GETEX', KEYS[1])";

/** How node-redis says that it lost the connection with a command on its way, which it doesn't send again by itself. */
const LOST_CONNECTION = /^Socket (?:closed unexpectedly|timeout)/;
const LOST_CONNECTION_CODES: unknown[] = ['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT'];

/**
 * Reads and writes payloads through a client of `redis` or `@redis/client`, version 5 or 6. The client stays its owner's
 * to configure, connect and close.
 *
 * @experimental
 */
export class NodeRedisStorageDriverClient implements RedisStorageDriverClient {
  private readonly commands: NodeRedisCommands;

  /** @throws TypeError if `client` is no node-redis client */
  constructor(private readonly client: NodeRedisClient) {
    if (typeof (client as Partial<NodeRedisClient> | null | undefined)?.withTypeMapping !== 'function') {
      throw new TypeError(
        'NodeRedisStorageDriverClient takes a client, pool, cluster or sentinel of redis or @redis/client, ' +
          `version 5 or 6, got ${typeNameOf(client)}`,
      );
    }
    this.commands = withBytes(client);
  }

  /** A miss costs a second round trip, in which the primary confirms it. */
  async get(key: string, { abortSignal }: RedisRequestOptions = {}): Promise<Uint8Array | null> {
    abortSignal?.throwIfAborted();
    const value = bytesOf(await this.commands.get(key));
    if (value !== null) return value;
    abortSignal?.throwIfAborted();
    return bytesOf(await this.commands.eval(GET_FROM_PRIMARY, { keys: [key] }));
  }

  // The signal isn't handed on: two queued commands that abort leave a client of node-redis 5 hanging for good.
  async setIfAbsent(key: string, data: Uint8Array, { abortSignal, ttlMs }: RedisSetOptions = {}): Promise<boolean> {
    abortSignal?.throwIfAborted();
    const value = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const reply = await this.commands.set(key, value, {
      condition: 'NX',
      ...(ttlMs !== undefined && { expiration: { type: 'PX', value: ttlMs } }),
    });
    return reply !== null;
  }

  /** By a `SETRANGE` of nothing, which answers the length: it changes nothing, but counts as a write, for the primary. */
  async exists(key: string, { abortSignal }: RedisRequestOptions = {}): Promise<boolean> {
    abortSignal?.throwIfAborted();
    return Number(await this.commands.setRange(key, 0, '')) > 0;
  }

  /** After a lost connection node-redis reconnects, and holds what is sent meanwhile. */
  isTransient(error: unknown): boolean {
    return (
      isNativeError(error) &&
      (LOST_CONNECTION.test(error.message) || LOST_CONNECTION_CODES.includes((error as NodeJS.ErrnoException).code))
    );
  }

  /** Host and port of a single client; a pool, a cluster and a sentinel don't tell. */
  describe(): Record<string, string> {
    const { options } = this.client as { options?: { socket?: { host?: string; port?: number } } };
    const { host, port } = options?.socket ?? {};
    if (host === undefined || port === undefined) return {};
    return { host, port: String(port) };
  }
}

/** The same client, answering in bytes; that of the caller goes on as before. */
function withBytes(client: NodeRedisClient): NodeRedisCommands {
  if ('commandOptions' in client) {
    // A sentinel: in node-redis 5 its `withTypeMapping` would change the caller's own client.
    const commandOptions = { ...(client.commandOptions as object | undefined), typeMapping: BYTES };
    return Object.create(client, { commandOptions: { value: commandOptions } }) as NodeRedisCommands;
  }
  return client.withTypeMapping(BYTES);
}

function bytesOf(reply: unknown): Uint8Array | null {
  if (reply === null || isUint8Array(reply)) return reply;
  throw new TypeError(
    `node-redis answered with a ${typeof reply} instead of bytes: ` +
      'the client must follow withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })',
  );
}

/** The type alone: the value may be a URL with a password. */
function typeNameOf(value: unknown): string {
  return value === null ? 'null' : typeof value;
}
