import { createHash } from 'node:crypto';
import { NodeRedisStorageDriverClient } from '@temporal-redis-storage/node-redis';
import { withReplyTimeout, type RedisConnection } from '../redis-connection';
import { retryCommand } from '../retry';

/** The value under a key of Redis. */
export interface StoredPayload {
  state: 'present' | 'missing' | 'corrupt';
  /** In bytes; undefined if it is missing or no string. */
  size?: number;
  /** Undefined if it never expires, or is missing. */
  ttlMs?: number;
  /** Read only where the digest was compared. */
  bytes?: Uint8Array;
}

/** A payload as its reference describes it. */
export interface ExpectedPayload {
  digest: string;
  size: number | undefined;
}

/** Looks payloads up, and changes nothing. */
export class StoredPayloads {
  private readonly payloads: NodeRedisStorageDriverClient;

  constructor(
    private readonly redis: RedisConnection,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.payloads = new NodeRedisStorageDriverClient(redis.client);
  }

  /** Compares the size of a payload, and its digest if `verify`. */
  async check(key: string, expected: ExpectedPayload, verify: boolean): Promise<StoredPayload> {
    const ttl = (await this.send(['PTTL', key])) as number;
    if (ttl === -2) return { state: 'missing' };
    const ttlMs = ttl === -1 ? {} : { ttlMs: ttl };
    try {
      if (verify) return { ...(await this.verify(key, expected)), ...ttlMs };
      const size = (await this.send(['STRLEN', key])) as number;
      const isCorrupt = expected.size !== undefined && size !== expected.size;
      return { state: isCorrupt ? 'corrupt' : 'present', size, ...ttlMs };
    } catch (error) {
      if (String(error).includes('WRONGTYPE')) return { state: 'corrupt', ...ttlMs };
      throw error;
    }
  }

  private async verify(key: string, { digest }: ExpectedPayload): Promise<StoredPayload> {
    const bytes = await retryCommand(() => withReplyTimeout(this.redis.address, this.payloads.get(key)), this.signal);
    if (bytes === null) return { state: 'missing' };
    const found = createHash('sha256').update(bytes).digest('hex');
    return { state: found === digest ? 'present' : 'corrupt', size: bytes.length, bytes };
  }

  private async send(args: [string, string]): Promise<unknown> {
    return retryCommand(() => this.redis.sendCommand(args[1], args), this.signal);
  }
}
