import { isNativeError, isUint8Array } from 'node:util/types';
import { CommandLimit } from './command-limit';
import type {
  RedisExistsOptions,
  RedisRequestOptions,
  RedisSetOptions,
  RedisStorageDriverClient,
} from '@temporal-redis-storage/core';

/**
 * The commands that {@link NodeRedisStorageDriverClient} sends.
 *
 * @experimental
 */
export interface NodeRedisCommands {
  get(key: string): Promise<unknown>;
  set(key: string, value: Buffer, options: NodeRedisSetOptions): Promise<unknown>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
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
 * The part of a node-redis client that {@link NodeRedisStorageDriverClient} uses. Clients of `createClient`,
 * `createClientPool`, `createCluster` and `createSentinel` all have it.
 *
 * @experimental
 */
export interface NodeRedisClient extends NodeRedisCommands {
  withTypeMapping(typeMapping: { 36: typeof Buffer }): NodeRedisCommands;
}

/** Bulk strings as Buffers. 36 is `RESP_TYPES.BLOB_STRING`. */
const BLOB_AS_BUFFER = { 36: Buffer };

// node-redis sends every `EVAL` to the primary. Each script begins with a write command that changes nothing, because a
// replica refuses that, and echoes the key so that its reply can be matched: after an undecodable reply, node-redis pairs
// replies with the wrong commands.

/** `GETEX` changes nothing without options. node-redis's own `getEx` always has one, and may go to a replica. */
const GET_FROM_PRIMARY = "return {KEYS[1], redis.call('GETEX', KEYS[1])}";

/** `SREM` removes nothing from an absent key, and any server refuses it for a key with a string. */
const FIND = `
local function is_wrong_type(reply) return type(reply) == 'table' and string.find(reply.err, 'WRONGTYPE', 1, true) end
local removed = redis.pcall('SREM', KEYS[1], '')
if removed == 0 then return {KEYS[1], -1} end
if not is_wrong_type(removed) then return removed end
`;

/** The size of a string in bytes; -1 if the key is absent, and -2 if it has another type. */
const SIZE_AT_PRIMARY = `${FIND}
local size = redis.pcall('STRLEN', KEYS[1])
if is_wrong_type(size) then return {KEYS[1], -2} end
if type(size) == 'table' then return size end
return {KEYS[1], size}
`;

/** Redis 6.2 has no `PEXPIRE … GT`. */
const EXTEND_TTL = `${FIND}
local ttl = redis.call('PTTL', KEYS[1])
if ttl >= 0 and ttl < tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {KEYS[1], 1}
`;

/**
 * Messages of node-redis when it has no connection, or lost it during a command, which it doesn't send again.
 * `Disconnects client` is what a cluster reports when it drops a node.
 */
const NO_CONNECTION =
  /^(?:Socket (?:closed unexpectedly|timeout)|Connection timeout|The client is offline|Disconnects client|The connection was lost)/;
const NO_CONNECTION_CODES = /^(?:ECONNRESET|ECONNREFUSED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN)$/;

/** Messages of node-redis when its queue (`commandsQueueMaxLength`) is full, or its pool has no free client in time. */
const NO_CAPACITY = /^(?:The queue is full|Timeout waiting for a client|Command timeout during maintenance)/;

/**
 * Reads and writes payloads through a client of `redis` or `@redis/client`, version 5 or 6. The caller configures,
 * connects and closes the client.
 *
 * @experimental
 */
export class NodeRedisStorageDriverClient implements RedisStorageDriverClient {
  /** True: Redis has the whole value before it replies, and node-redis keeps nothing of a command that has its reply. */
  readonly releasesData = true;
  private readonly createCommands: () => NodeRedisCommands;
  private readonly limit: CommandLimit;

  /** @throws TypeError if `client` isn't a node-redis client */
  constructor(private readonly client: NodeRedisClient) {
    if (typeof (client as Partial<NodeRedisClient> | null | undefined)?.withTypeMapping !== 'function') {
      throw new TypeError(
        'NodeRedisStorageDriverClient takes a client, pool, cluster or sentinel of redis or @redis/client, ' +
          `version 5 or 6, got ${formatType(client)}`,
      );
    }
    this.createCommands = prepareCommands(client);
    this.limit = new CommandLimit(readQueueLength(client));
  }

  /** If the key is absent, a second round trip asks the primary to confirm that. */
  async get(key: string, { abortSignal }: RedisRequestOptions = {}): Promise<Uint8Array | null> {
    const value = expectBytes(await this.send(abortSignal, () => this.commands.get(key)));
    if (value !== null) return value;
    return expectBytes(await this.evaluate(GET_FROM_PRIMARY, key, [], abortSignal));
  }

  // The signal isn't passed on: two queued commands that abort make a node-redis 5 client hang forever.
  async setIfAbsent(key: string, data: Uint8Array, { abortSignal, ttlMs }: RedisSetOptions = {}): Promise<boolean> {
    const value = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const reply = await this.send(abortSignal, () =>
      this.commands.set(key, value, {
        condition: 'NX',
        ...(ttlMs !== undefined && { expiration: { type: 'PX', value: ttlMs } }),
      }),
    );
    if (reply !== null && reply !== 'OK') throw createDesyncError('SET');
    return reply !== null;
  }

  async exists(key: string, { abortSignal, size: expected }: RedisExistsOptions = {}): Promise<boolean> {
    const size = await this.evaluate(SIZE_AT_PRIMARY, key, [], abortSignal);
    return expected === undefined ? size !== -1 : size === expected;
  }

  async extendTtl(key: string, ttlMs: number, { abortSignal }: RedisRequestOptions = {}): Promise<boolean> {
    return (await this.evaluate(EXTEND_TTL, key, [String(ttlMs)], abortSignal)) === 1;
  }

  /**
   * True for lost connections, because node-redis reconnects but doesn't send the lost command again, and for full queues
   * and busy pools.
   */
  isTransient(error: unknown): boolean {
    if (!isNativeError(error)) return false;
    const { code = '' } = error as NodeJS.ErrnoException;
    return NO_CONNECTION.test(error.message) || NO_CONNECTION_CODES.test(code) || NO_CAPACITY.test(error.message);
  }

  /** Runs a script at the primary, which answers the key and its result. */
  private async evaluate(
    script: string,
    key: string,
    args: string[],
    abortSignal: AbortSignal | undefined,
  ): Promise<unknown> {
    const options = { keys: [key], arguments: args };
    const reply = await this.send(abortSignal, () => this.commands.eval(script, options));
    const [echo, result = null] = Array.isArray(reply) ? (reply as unknown[]) : [];
    // The client may have a key prefix.
    if (!isUint8Array(echo) || !Buffer.from(echo).toString().endsWith(key)) throw createDesyncError('EVAL');
    return result;
  }

  /** For one command each time. */
  private get commands(): NodeRedisCommands {
    return this.createCommands();
  }

  /** Sends a command as soon as node-redis's queue has room for it. */
  private async send<T>(abortSignal: AbortSignal | undefined, command: () => Promise<T>): Promise<T> {
    abortSignal?.throwIfAborted();
    const release = await this.limit.acquire(abortSignal);
    try {
      return await command();
    } finally {
      release();
    }
  }

  /** Host and port of a single client; nothing for a pool, a cluster or a sentinel. */
  describe(): Record<string, string> {
    const { options } = this.client as { options?: { socket?: { host?: string; port?: number } } };
    const { host, port } = options?.socket ?? {};
    if (host === undefined || port === undefined) return {};
    return { host, port: String(port) };
  }
}

/**
 * Creates views of the client whose replies are bytes, and whose commands don't time out by themselves (in version 6 after
 * five seconds), because the driver has a deadline. The caller's client stays as it is.
 */
function prepareCommands(client: NodeRedisClient): () => NodeRedisCommands {
  const { commandOptions, _commandOptions, withCommandOptions } = client as {
    commandOptions?: object;
    _commandOptions?: object;
    withCommandOptions?: (options: object) => NodeRedisCommands;
  };
  const options = { ...(commandOptions ?? _commandOptions), typeMapping: BLOB_AS_BUFFER, timeout: 0 };
  // In node-redis 5, a sentinel's `withTypeMapping` would change the caller's own client.
  if ('commandOptions' in client) return () => createSentinelCommands(client, options);
  const commands =
    typeof withCommandOptions === 'function'
      ? withCommandOptions.call(client, options)
      : client.withTypeMapping(BLOB_AS_BUFFER);
  return () => commands;
}

/**
 * A view of a sentinel for one command, which is sent once. By itself, a sentinel sends a command up to 17 times
 * (`maxCommandRediscovers`), even after the driver has given up on it: a command that makes Redis close the connection each
 * time would block the others for longer than `requestTimeout`.
 */
function createSentinelCommands(client: NodeRedisClient, options: object): NodeRedisCommands {
  let isSent = false;
  return Object.create(client, {
    commandOptions: {
      // A sentinel reads its options each time it sends a command.
      get() {
        if (isSent) {
          throw new Error(
            'The connection was lost before Redis answered, or the primary has changed. If that happens each time, Redis ' +
              'closes it: see client-output-buffer-limit, client-query-buffer-limit, proto-max-bulk-len and maxmemory-clients',
          );
        }
        isSent = true;
        return options;
      },
    },
  }) as NodeRedisCommands;
}

/** `commandsQueueMaxLength` of a client, or of a cluster's `defaults`; Infinity if it isn't set. */
function readQueueLength(client: NodeRedisClient): number {
  interface Options {
    commandsQueueMaxLength?: number;
    defaults?: Options;
  }
  const { options } = client as { options?: Options };
  return options?.commandsQueueMaxLength ?? options?.defaults?.commandsQueueMaxLength ?? Infinity;
}

function expectBytes(reply: unknown): Uint8Array | null {
  if (reply === null || isUint8Array(reply)) return reply;
  throw new TypeError(
    `node-redis returned a ${typeof reply} instead of bytes: ` +
      'the client must follow withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })',
  );
}

function createDesyncError(command: string): TypeError {
  return new TypeError(
    `node-redis is out of sync: it returned another command's reply for ${command}. Reconnect the client.`,
  );
}

/** Only the type, because the value may be a URL with a password. */
function formatType(value: unknown): string {
  return value === null ? 'null' : typeof value;
}
