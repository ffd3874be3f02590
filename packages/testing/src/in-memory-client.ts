import type { RedisRequestOptions, RedisSetOptions, RedisStorageDriverClient } from '@temporal-redis-storage/core';

/** A value of {@link InMemoryStorageDriverClient}: the bytes of a string, or the elements of a list. */
export interface InMemoryEntry {
  value: Uint8Array | string[];
  /** On the clock of `Date.now()`. */
  expiresAt: number;
}

/** A client without a Redis, for tests of what stands on it. Keeps the same contract as the real ones. */
export class InMemoryStorageDriverClient implements RedisStorageDriverClient {
  /** Open to tests. */
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

  async exists(key: string, { abortSignal }: RedisRequestOptions = {}): Promise<boolean> {
    abortSignal?.throwIfAborted();
    return this.find(key) !== undefined;
  }

  private find(key: string): InMemoryEntry | undefined {
    const entry = this.entries.get(key);
    if (entry !== undefined && entry.expiresAt <= Date.now()) this.entries.delete(key);
    return this.entries.get(key);
  }
}
