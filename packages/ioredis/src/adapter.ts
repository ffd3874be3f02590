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

const ECHOED_ARGUMENTS = /,? with args beginning with:.*/;

/**
 * Reads and writes payloads through an ioredis client, version 5 or 6. The client stays its owner's to configure,
 * connect and close.
 *
 * @experimental
 */
export class IoredisStorageDriverClient implements RedisStorageDriverClient {
  private sendsInPieces = true;

  /** @throws TypeError if `client` is no ioredis client */
  constructor(private readonly client: IoredisClient) {
    if (typeof (client as Partial<IoredisClient> | null | undefined)?.getBuffer !== 'function') {
      throw new TypeError(
        `IoredisStorageDriverClient takes a Redis or Cluster of ioredis, version 5 or 6, got ${formatType(client)}`,
      );
    }
  }

  /** A miss costs a second round trip, in which the primary confirms it. */
  async get(key: string, { abortSignal }: RedisRequestOptions = {}): Promise<Uint8Array | null> {
    abortSignal?.throwIfAborted();
    const value = expectBytes(await redactArguments(this.client.getBuffer(key)));
    if (value !== null) return value;
    abortSignal?.throwIfAborted();
    // A GET that a replica refuses: GETEX counts as a write, but changes nothing without options.
    return expectBytes(await redactArguments(this.client.getexBuffer(key)));
  }

  async setIfAbsent(key: string, data: Uint8Array, { abortSignal, ttlMs }: RedisSetOptions = {}): Promise<boolean> {
    abortSignal?.throwIfAborted();
    const value = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    if (!this.sendsInPieces) return setNx(this.client, key, value, ttlMs);
    try {
      return await setNx(withZeroCopySet(this.client, value), key, value, ttlMs);
    } catch (error) {
      if (!isProtocolError(error)) throw error;
      // Not this client, it seems: something about it writes commands in another way.
      this.sendsInPieces = false;
      abortSignal?.throwIfAborted();
      return setNx(this.client, key, value, ttlMs);
    }
  }

  /** By a `SETRANGE` of nothing, which answers the length: it changes nothing, but counts as a write, for the primary. */
  async exists(key: string, { abortSignal }: RedisRequestOptions = {}): Promise<boolean> {
    abortSignal?.throwIfAborted();
    // A string under `stringNumbers`.
    return Number(await redactArguments(this.client.setrange(key, 0, ''))) > 0;
  }

  /**
   * What ioredis doesn't send again by itself: without its offline queue, what it refuses while it reconnects; with
   * autopipelining on a Cluster, what was redirected in a batch of which the rest was not.
   */
  isTransient(error: unknown): boolean {
    return isNativeError(error) && /^(?:Stream isn't writeable|MOVED |ASK )/.test(error.message);
  }

  /** Host and port of a single server; a `Cluster` and a connection by sentinels or a socket don't tell. */
  describe(): Record<string, string> {
    const { host, port, path, sentinels } = (this.client as { options?: IoredisOptions }).options ?? {};
    if (host === undefined || port === undefined || path || sentinels) return {};
    return { host, port: String(port) };
  }
}

async function setNx(client: IoredisClient, key: string, value: Buffer, ttlMs?: number): Promise<boolean> {
  const reply = ttlMs === undefined ? client.set(key, value, 'NX') : client.set(key, value, 'PX', ttlMs, 'NX');
  const answer: unknown = await redactArguments(reply);
  if (answer !== null && answer !== 'OK') {
    // In a transaction of its owner's, say, which may yet be discarded.
    throw new TypeError("ioredis answered SET with something else than OK or null: don't share the connection");
  }
  return answer !== null;
}

interface IoredisOptions {
  host?: string;
  port?: number;
  path?: string | null;
  sentinels?: object | null;
}

/**
 * ioredis's errors hold the refused command with its arguments, a payload's bytes or the password of a login, those of
 * its parser what it couldn't read; and Redis repeats the arguments of a command that it doesn't know.
 */
async function redactArguments<T>(reply: Promise<T>): Promise<T> {
  try {
    return await reply;
  } catch (error) {
    for (const holder of [error, (error as { lastNodeError?: unknown } | null)?.lastNodeError]) {
      if (!isNativeError(holder)) continue;
      delete (holder as { command?: unknown }).command;
      delete (holder as { buffer?: unknown }).buffer;
      holder.message = holder.message.replace(ECHOED_ARGUMENTS, '');
      holder.stack = holder.stack?.replace(ECHOED_ARGUMENTS, '') ?? '';
    }
    throw error;
  }
}

function expectBytes(reply: unknown): Uint8Array | null {
  if (reply === null || isUint8Array(reply)) return reply;
  throw new TypeError(
    `ioredis answered with a ${typeof reply} instead of bytes: remove the reply transformer of GET and GETEX`,
  );
}

/** The type alone: the value may be a URL with a password. */
function formatType(value: unknown): string {
  return value === null ? 'null' : typeof value;
}
