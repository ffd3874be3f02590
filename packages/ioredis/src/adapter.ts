import { isNativeError, isUint8Array } from 'node:util/types';
import type {
  RedisExistsOptions,
  RedisRequestOptions,
  RedisSetOptions,
  RedisStorageDriverClient,
} from '@temporal-redis-storage/core';
import { isLostConnection, sendCommand } from './command';
import { isProtocolError } from './zero-copy-set';

/**
 * The part of an ioredis client that {@link IoredisStorageDriverClient} uses: `Redis` and `Cluster` both have it.
 *
 * @experimental
 */
export interface IoredisClient {
  getBuffer(key: string): Promise<Buffer | null>;
  getexBuffer(key: string): Promise<Buffer | null>;
  eval(script: string, numberOfKeys: 1, key: string, ...args: string[]): Promise<unknown>;
  set(key: string, value: Buffer, condition: 'NX'): Promise<'OK' | null>;
  set(key: string, value: Buffer, unit: 'PX', ttlMs: number, condition: 'NX'): Promise<'OK' | null>;
}

/**
 * Finds a key at the primary: a replica refuses the write command, which changes nothing. `SREM` removes nothing from an absent
 * key, and any server refuses it for a key with a string.
 */
const FIND = `
local function is_wrong_type(reply) return type(reply) == 'table' and string.find(reply.err, 'WRONGTYPE', 1, true) end
local removed = redis.pcall('SREM', KEYS[1], '')
if removed == 0 then return -1 end
if not is_wrong_type(removed) then return removed end
`;

/** The size of a string in bytes; -1 if the key is absent, and -2 if it has another type. */
const SIZE_AT_PRIMARY = `${FIND}
local size = redis.pcall('STRLEN', KEYS[1])
if is_wrong_type(size) then return -2 end
return size
`;

/** Redis 6.2 has no `PEXPIRE … GT`. */
const EXTEND_TTL = `${FIND}
local ttl = redis.call('PTTL', KEYS[1])
if ttl >= 0 and ttl < tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return 1
`;

/**
 * Messages of ioredis when it has no connection, and one that a Cluster sends while it moves a slot. `Command timed out` is
 * its `commandTimeout` for a command of its own, while it connects: it rejects all waiting commands with the same error.
 */
const NO_CONNECTION =
  /^(?:Stream isn't writeable|Reached the max retries per request limit|(?:Ready check failed: )?Command timed out|MOVED |ASK )/;

/**
 * Reads and writes payloads through an ioredis client, version 5 or 6. The caller configures, connects and closes the
 * client.
 *
 * @experimental
 */
export class IoredisStorageDriverClient implements RedisStorageDriverClient {
  /** True: Redis has the whole value before it replies, and ioredis keeps nothing of a command that has its reply. */
  readonly releasesData = true;
  private usesZeroCopySet = true;

  /** @throws TypeError if `client` isn't an ioredis client */
  constructor(private readonly client: IoredisClient) {
    const { getBuffer, isPipeline } = (client ?? {}) as Partial<IoredisClient> & { isPipeline?: boolean };
    if (typeof getBuffer !== 'function' || isPipeline === true) {
      throw new TypeError(
        `IoredisStorageDriverClient takes a Redis or Cluster of ioredis, version 5 or 6, got ${formatType(client)}`,
      );
    }
  }

  /** If the key is absent, a second round trip asks the primary to confirm that. */
  async get(key: string, { abortSignal }: RedisRequestOptions = {}): Promise<Uint8Array | null> {
    const value = expectBytes(
      await sendCommand(this.client, abortSignal, undefined, (client) => client.getBuffer(key)),
    );
    if (value !== null) return value;
    // A GET that replicas refuse: GETEX counts as a write, but changes nothing without options.
    return expectBytes(await sendCommand(this.client, abortSignal, undefined, (client) => client.getexBuffer(key)));
  }

  async setIfAbsent(key: string, data: Uint8Array, { abortSignal, ttlMs }: RedisSetOptions = {}): Promise<boolean> {
    const value = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const set = (uncopied: Buffer | undefined): Promise<boolean> =>
      sendCommand(this.client, abortSignal, uncopied, (client) => setNx(client, key, value, ttlMs));
    if (!this.usesZeroCopySet) return set(undefined);
    try {
      return await set(value);
    } catch (error) {
      if (!isProtocolError(error)) throw error;
      // This client writes commands in another way, so it gets plain SETs from now on.
      this.usesZeroCopySet = false;
      return set(undefined);
    }
  }

  async exists(key: string, { abortSignal, size: expected }: RedisExistsOptions = {}): Promise<boolean> {
    const size = await this.evaluate(SIZE_AT_PRIMARY, key, [], abortSignal);
    return expected === undefined ? size !== -1 : size === expected;
  }

  async extendTtl(key: string, ttlMs: number, { abortSignal }: RedisRequestOptions = {}): Promise<boolean> {
    return (await this.evaluate(EXTEND_TTL, key, [String(ttlMs)], abortSignal)) === 1;
  }

  /**
   * True for what ioredis doesn't send again: a command that was in flight when the connection was lost, and commands that
   * it refuses while it has no connection.
   */
  isTransient(error: unknown): boolean {
    return isLostConnection(error) || (isNativeError(error) && NO_CONNECTION.test(error.message));
  }

  private async evaluate(
    script: string,
    key: string,
    args: string[],
    abortSignal: AbortSignal | undefined,
  ): Promise<number> {
    const reply = await sendCommand(this.client, abortSignal, undefined, (client) =>
      client.eval(script, 1, key, ...args),
    );
    // With the option `stringNumbers`, it is a string.
    if (!/^-?\d+$/.test(String(reply))) throw new TypeError('Unexpected reply to EVAL from ioredis: expected a number');
    return Number(reply);
  }

  /** Host and port of a single server; nothing for a `Cluster`, for sentinels or for a socket. */
  describe(): Record<string, string> {
    const { host, port, path, sentinels } = (this.client as { options?: IoredisOptions }).options ?? {};
    if (host === undefined || port === undefined || path || sentinels) return {};
    return { host, port: String(port) };
  }
}

async function setNx(client: IoredisClient, key: string, value: Buffer, ttlMs?: number): Promise<boolean> {
  const reply: unknown = await (ttlMs === undefined
    ? client.set(key, value, 'NX')
    : client.set(key, value, 'PX', ttlMs, 'NX'));
  if (reply !== null && reply !== 'OK') {
    // For example QUEUED, if the connection is in a transaction of the caller, which may still be discarded.
    throw new TypeError("Unexpected reply to SET from ioredis: expected OK or null. Don't share the connection.");
  }
  return reply !== null;
}

interface IoredisOptions {
  host?: string;
  port?: number;
  path?: string | null;
  sentinels?: object | null;
}

function expectBytes(reply: unknown): Uint8Array | null {
  if (reply === null || isUint8Array(reply)) return reply;
  throw new TypeError(
    `ioredis returned a ${typeof reply} instead of bytes: remove the reply transformer of GET and GETEX`,
  );
}

/** Only the type, because the value may be a URL with a password. */
function formatType(value: unknown): string {
  return value === null ? 'null' : typeof value;
}
