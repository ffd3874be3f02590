import type {
  RedisExistsOptions,
  RedisRequestOptions,
  RedisSetOptions,
  RedisStorageDriverClient,
} from '@temporal-redis-storage/core';
import { resolveSettings, type UpstashSettings, type UpstashCredentials, type UpstashRedis } from './settings';
import { UpstashRequestError } from './errors';
import { sendCommand, type Command } from './request';
import type { RespReply } from './resp2';
import { SyncTokens } from './sync-tokens';

/** Only the primary serves `EVAL` and `GETEX`, which are write commands. Without options, `GETEX` changes nothing. */
const GET_FROM_PRIMARY = "return redis.call('GETEX', KEYS[1])";

/** The size of a string in bytes; -1 if the key is absent, and -2 if it has another type. */
const SIZE_AT_PRIMARY = `
local value = redis.pcall('GETEX', KEYS[1])
if not value then return -1 end
if type(value) == 'string' then return #value end
return string.find(value.err, 'WRONGTYPE', 1, true) and -2 or value
`;

const EXTEND_TTL = `
if not redis.call('GETEX', KEYS[1]) then return 0 end
local ttl = redis.call('PTTL', KEYS[1])
if ttl >= 0 and ttl < tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return 1
`;

const SET_IF_ABSENT = "return redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[1], 'NX') and 1 or 0";

/**
 * {@link RedisStorageDriverClient} over Upstash's REST API. Takes the caller's `Redis` of `@upstash/redis` and follows its
 * URL, token, retries, signal, keep-alive and read-your-writes settings, or takes `{ url, token }`.
 *
 * @experimental
 */
export class UpstashStorageDriverClient implements RedisStorageDriverClient {
  /** True: `fetch` copies a body before it sends it. */
  readonly releasesData = true;
  private readonly settings: UpstashSettings;
  private readonly syncTokens = new SyncTokens();

  /** @throws TypeError that says what was expected, without the URL or token it got */
  constructor(redis: UpstashRedis | UpstashCredentials) {
    this.settings = resolveSettings(redis);
  }

  /**
   * A client for the database in `UPSTASH_REDIS_REST_URL` and `UPSTASH_REDIS_REST_TOKEN`, or else in `KV_REST_API_URL` and
   * `KV_REST_API_TOKEN`.
   *
   * @throws TypeError if they are missing
   */
  static fromEnv(): UpstashStorageDriverClient {
    const { UPSTASH_REDIS_REST_URL, KV_REST_API_URL, UPSTASH_REDIS_REST_TOKEN, KV_REST_API_TOKEN } = process.env;
    const url = UPSTASH_REDIS_REST_URL || KV_REST_API_URL;
    const token = UPSTASH_REDIS_REST_TOKEN || KV_REST_API_TOKEN;
    if (!url) throw new TypeError('UPSTASH_REDIS_REST_URL (or KV_REST_API_URL) is not set');
    if (!token) throw new TypeError('UPSTASH_REDIS_REST_TOKEN (or KV_REST_API_TOKEN) is not set');
    return new UpstashStorageDriverClient({ url, token });
  }

  async get(key: string, { abortSignal }: RedisRequestOptions = {}): Promise<Uint8Array | null> {
    const { reply } = await sendCommand(
      this.settings,
      { args: ['GET', key] },
      { abortSignal, syncToken: this.syncTokens.get(key) },
    );
    if (reply !== null) return expectBytes(reply);
    const confirmed = await this.evaluate(GET_FROM_PRIMARY, key, [], abortSignal);
    return confirmed === null ? null : expectBytes(confirmed);
  }

  /** Also resolves to `false` if it inserted the key, but the response was lost and the request was retried. */
  async setIfAbsent(key: string, data: Uint8Array, { abortSignal, ttlMs }: RedisSetOptions = {}): Promise<boolean> {
    const command: Command =
      ttlMs === undefined
        ? { args: ['SETNX', key], value: data }
        : { args: ['EVAL', SET_IF_ABSENT, '1', key, String(ttlMs)], value: data };
    const { reply, syncToken } = await sendCommand(this.settings, command, { abortSignal });
    if (this.settings.readYourWrites && syncToken !== undefined) this.syncTokens.remember(key, syncToken);
    return expectFlag(reply);
  }

  async exists(key: string, { abortSignal, size: expected }: RedisExistsOptions = {}): Promise<boolean> {
    const size = expectNumber(await this.evaluate(SIZE_AT_PRIMARY, key, [], abortSignal));
    return expected === undefined ? size !== -1 : size === expected;
  }

  async extendTtl(key: string, ttlMs: number, { abortSignal }: RedisRequestOptions = {}): Promise<boolean> {
    return expectFlag(await this.evaluate(EXTEND_TTL, key, [String(ttlMs)], abortSignal));
  }

  describe(): Record<string, string> {
    return { host: this.settings.host };
  }

  private async evaluate(
    script: string,
    key: string,
    args: string[],
    abortSignal: AbortSignal | undefined,
  ): Promise<RespReply> {
    const command: Command = { args: ['EVAL', script, '1', key, ...args] };
    const { reply } = await sendCommand(this.settings, command, { abortSignal });
    return reply;
  }
}

function expectBytes(reply: RespReply): Uint8Array {
  if (reply instanceof Uint8Array) return reply;
  throw new UpstashRequestError('Unexpected Upstash reply: expected bytes');
}

function expectNumber(reply: RespReply): number {
  if (typeof reply === 'number') return reply;
  throw new UpstashRequestError('Unexpected Upstash reply: expected a number');
}

function expectFlag(reply: RespReply): boolean {
  if (reply === 0 || reply === 1) return reply === 1;
  throw new UpstashRequestError('Unexpected Upstash reply: expected 0 or 1');
}
