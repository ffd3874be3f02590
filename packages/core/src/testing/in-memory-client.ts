import type { RedisExistsOptions, RedisRequestOptions, RedisSetOptions, RedisStorageDriverClient } from '../client';

/**
 * A value of {@link InMemoryStorageDriverClient}: the bytes of a string, or the elements of a list.
 *
 * @experimental
 */
export interface InMemoryEntry {
  value: Uint8Array | string[];
  /** When it expires, in milliseconds on the clock of `Date.now()`; Infinity if never. */
  expiresAt: number;
}

/**
 * A client that keeps everything in this process, for tests without a Redis. It keeps the same contract as the others.
 *
 * @experimental
 */
export class InMemoryStorageDriverClient implements RedisStorageDriverClient {
  /** True, because it stores copies. */
  readonly releasesData = true;
  /** The stored entries by key. Tests may read and change them. */
  readonly entries = new Map<string, InMemoryEntry>();

  async get(key: string, { abortSignal }: RedisRequestOptions = {}): Promise<Uint8Array | null> {
    abortSignal?.throwIfAborted();
    const value = this.find(key)?.value ?? null;
    if (Array.isArray(value)) throw new Error('WRONGTYPE Operation against a key holding the wrong kind of value');
    return value && Uint8Array.from(value);
  }

  async setIfAbsent(
    key: string,
    data: Uint8Array,
    { abortSignal, ttlMs = Infinity }: RedisSetOptions = {},
  ): Promise<boolean> {
    abortSignal?.throwIfAborted();
    if (this.find(key) !== undefined) return false;
    this.entries.set(key, { value: Uint8Array.from(data), expiresAt: Date.now() + ttlMs });
    return true;
  }

  async exists(key: string, { abortSignal, size }: RedisExistsOptions = {}): Promise<boolean> {
    abortSignal?.throwIfAborted();
    const value = this.find(key)?.value;
    return value !== undefined && (size === undefined || (!Array.isArray(value) && value.length === size));
  }

  async extendTtl(key: string, ttlMs: number, { abortSignal }: RedisRequestOptions = {}): Promise<boolean> {
    abortSignal?.throwIfAborted();
    const entry = this.find(key);
    if (entry !== undefined) entry.expiresAt = Math.max(entry.expiresAt, Date.now() + ttlMs);
    return entry !== undefined;
  }

  private find(key: string): InMemoryEntry | undefined {
    const entry = this.entries.get(key);
    if (entry !== undefined && entry.expiresAt <= Date.now()) this.entries.delete(key);
    return this.entries.get(key);
  }
}
