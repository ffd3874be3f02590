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
const BLOB_AS_BUFFER = { 36: Buffer };

/**
 * A `GET` that a replica refuses: `GETEX` counts as a write, but changes nothing without options. node-redis sends every
 * `EVAL` to the primary; its own `getEx` always has an option, and may go to a replica. With the key, as a miss is final:
 * after bytes that it can't decode, node-redis goes on, and takes each reply for that of another command.
 */
const GET_FROM_PRIMARY = "return {KEYS[1], redis.call('GETEX', KEYS[1])}";

/**
 * How node-redis says that it has no connection, or lost it with a command on its way, which it doesn't send again: by the
 * last of them when a cluster drops a node.
 */
const NO_CONNECTION =
  /^(?:Socket (?:closed unexpectedly|timeout)|Connection timeout|The client is offline|Disconnects client)/;
const NO_CONNECTION_CODES = /^(?:ECONNRESET|ECONNREFUSED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN)$/;

const ECHOED_ARGUMENTS = /,? with args beginning with:.*/;

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
          `version 5 or 6, got ${formatType(client)}`,
      );
    }
    this.commands = binaryCommands(client);
  }

  /** A miss costs a second round trip, in which the primary confirms it. */
  async get(key: string, { abortSignal }: RedisRequestOptions = {}): Promise<Uint8Array | null> {
    abortSignal?.throwIfAborted();
    const value = expectBytes(await redactArguments(this.commands.get(key)));
    if (value !== null) return value;
    abortSignal?.throwIfAborted();
    return parseConfirmedGet(key, await redactArguments(this.commands.eval(GET_FROM_PRIMARY, { keys: [key] })));
  }

  // The signal isn't handed on: two queued commands that abort leave a client of node-redis 5 hanging for good.
  async setIfAbsent(key: string, data: Uint8Array, { abortSignal, ttlMs }: RedisSetOptions = {}): Promise<boolean> {
    abortSignal?.throwIfAborted();
    const value = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const reply = await redactArguments(
      this.commands.set(key, value, {
        condition: 'NX',
        ...(ttlMs !== undefined && { expiration: { type: 'PX', value: ttlMs } }),
      }),
    );
    if (reply !== null && reply !== 'OK') throw desyncError('SET');
    return reply !== null;
  }

  /** By a `SETRANGE` of nothing, which answers the length: it changes nothing, but counts as a write, for the primary. */
  async exists(key: string, { abortSignal }: RedisRequestOptions = {}): Promise<boolean> {
    abortSignal?.throwIfAborted();
    const length = await redactArguments(this.commands.setRange(key, 0, ''));
    if (typeof length !== 'number') throw desyncError('SETRANGE');
    return length > 0;
  }

  /** After a lost connection node-redis reconnects, and holds what is sent meanwhile, or refuses it. */
  isTransient(error: unknown): boolean {
    if (!isNativeError(error)) return false;
    const { code = '' } = error as NodeJS.ErrnoException;
    return NO_CONNECTION.test(error.message) || NO_CONNECTION_CODES.test(code);
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
function binaryCommands(client: NodeRedisClient): NodeRedisCommands {
  if ('commandOptions' in client) {
    // A sentinel: in node-redis 5 its `withTypeMapping` would change the caller's own client.
    const commandOptions = { ...(client.commandOptions as object | undefined), typeMapping: BLOB_AS_BUFFER };
    return Object.create(client, { commandOptions: { value: commandOptions } }) as NodeRedisCommands;
  }
  return client.withTypeMapping(BLOB_AS_BUFFER);
}

function expectBytes(reply: unknown): Uint8Array | null {
  if (reply === null || isUint8Array(reply)) return reply;
  throw new TypeError(
    `node-redis answered with a ${typeof reply} instead of bytes: ` +
      'the client must follow withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })',
  );
}

/** Of the script's reply: the key, as its own proof, and the value. */
function parseConfirmedGet(key: string, reply: unknown): Uint8Array | null {
  const [confirmed, value = null] = Array.isArray(reply) ? (reply as unknown[]) : [];
  // A client may put a prefix of its own before it.
  if (!isUint8Array(confirmed) || !Buffer.from(confirmed).toString().endsWith(key)) throw desyncError('EVAL');
  return expectBytes(value);
}

function desyncError(command: string): TypeError {
  return new TypeError(`node-redis took the reply of another command for that of ${command}: reconnect the client`);
}

/** Redis repeats the arguments of a command that it doesn't know, and so a payload's bytes. */
async function redactArguments<T>(reply: Promise<T>): Promise<T> {
  try {
    return await reply;
  } catch (error) {
    if (isNativeError(error)) {
      error.message = error.message.replace(ECHOED_ARGUMENTS, '');
      error.stack = error.stack?.replace(ECHOED_ARGUMENTS, '') ?? '';
    }
    throw error;
  }
}

/** The type alone: the value may be a URL with a password. */
function formatType(value: unknown): string {
  return value === null ? 'null' : typeof value;
}
