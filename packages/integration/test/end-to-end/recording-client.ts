import type { RedisRequestOptions, RedisSetOptions, RedisStorageDriverClient } from '@temporal-redis-storage/core';

/** Forwards all calls to another client and records them. */
export class RecordingClient implements RedisStorageDriverClient {
  readonly reads: string[] = [];
  readonly writes: { key: string; inserted: boolean }[] = [];

  constructor(private readonly client: RedisStorageDriverClient) {}

  async get(key: string, options?: RedisRequestOptions): Promise<Uint8Array | null> {
    this.reads.push(key);
    return this.client.get(key, options);
  }

  async setIfAbsent(key: string, data: Uint8Array, options?: RedisSetOptions): Promise<boolean> {
    const inserted = await this.client.setIfAbsent(key, data, options);
    this.writes.push({ key, inserted });
    return inserted;
  }

  clear(): void {
    this.reads.length = 0;
    this.writes.length = 0;
  }

  describe(): Record<string, string> {
    return this.client.describe?.() ?? {};
  }
}
