import { isNativeError, isUint8Array } from 'node:util/types';
import type { RedisRequestOptions, RedisSetOptions, RedisStorageDriverClient } from '@temporal-redis-storage/core';
import { withZeroCopySet, isProtocolError } from './zero-copy-set';

/**
 * The part of an ioredis client that {@link IoredisStorageDriverClient} uses: `Redis` and `Cluster` both have it.
 *
 * @experimental
 */
export interface IoredisClient {
  getBuffer(key: string): Promise<Buffer | null>;
  getexBuffer(key: string): Promise<Buffer | null>;
  setrange(key: string, offset: number, value: string): Promise<number | string>;
  set(key: string, value: Buffer, condition: 'NX'): Promise<'OK' | null>;
  set(key: string, value: Buffer, unit: 'PX', ttlMs: number, condition: 'NX'): Promise<'OK' | null>;
}

/**
 * Reads and writes payloads through an ioredis client, version 5 or 6. The caller configures, connects and closes the
 * client.
 *
 * @experimental
 */
export class IoredisStorageDriverClient implements RedisStorageDriverClient {
  private usesZeroCopySet = true;

  /** @throws TypeError if `client` isn't an ioredis client */
  constructor(private readonly client: IoredisClient) {
    if (typeof (client as Partial<IoredisClient> | null | undefined)?.getBuffer !== 'function') {
      throw new TypeError(
        `IoredisStorageDriverClient takes a Redis or Cluster of ioredis, version 5 or 6, got ${formatType(client)}`,
      );
    }
  }

  /** If the key is absent, a second round trip asks the primary to confirm that. */
  async get(key: string, { abortSignal }: RedisRequestOptions = {}): Promise<Uint8Array | null> {
    abortSignal?.throwIfAborted();
    const value = expectBytes(await this.client.getBuffer(key));
    if (value !== null) return value;
    abortSignal?.throwIfAborted();
    // A GET that replicas refuse: GETEX counts as a write, but changes nothing without options.
    return expectBytes(await this.client.getexBuffer(key));
  }

  async setIfAbsent(key: string, data: Uint8Array, { abortSignal, ttlMs }: RedisSetOptions = {}): Promise<boolean> {
    abortSignal?.throwIfAborted();
    const value = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    if (!this.usesZeroCopySet) return setNx(this.client, key, value, ttlMs);
    try {
      return await setNx(withZeroCopySet(this.client, value), key, value, ttlMs);
    } catch (error) {
      if (!isProtocolError(error)) throw error;
      // This client writes commands in another way, so it gets plain SETs from now on.
      this.usesZeroCopySet = false;
      abortSignal?.throwIfAborted();
      return setNx(this.client, key, value, ttlMs);
    }
  }

  /** Sends a `SETRANGE` of an empty string: it returns the length and changes nothing, but only a primary takes it. */
  async exists(key: string, { abortSignal }: RedisRequestOptions = {}): Promise<boolean> {
    abortSignal?.throwIfAborted();
    // With `stringNumbers`, the length is a string.
    return Number(await this.client.setrange(key, 0, '')) > 0;
  }

  /**
   * True for commands that ioredis doesn't send again: those that it refuses while it reconnects without an offline queue,
   * and those that a Cluster redirected out of an autopipelined batch.
   */
  isTransient(error: unknown): boolean {
    return isNativeError(error) && /^(?:Stream isn't writeable|MOVED |ASK )/.test(error.message);
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
