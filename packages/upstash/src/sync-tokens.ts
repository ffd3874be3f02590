/** Beyond this many writes the oldest are forgotten; by then the replicas have long caught up. */
const MAX_WRITES = 1000;

/**
 * The sync token of each latest write of one's own, by key: what a replica has to catch up with before it serves a read
 * of that key. A single latest token would go backwards where the answers of concurrent writes cross; tokens are opaque,
 * so nothing tells which of two is newer.
 */
export class SyncTokens {
  private readonly byKey = new Map<string, string>();

  of(key: string): string | undefined {
    return this.byKey.get(key);
  }

  remember(key: string, token: string): void {
    this.byKey.delete(key);
    this.byKey.set(key, token);
    if (this.byKey.size > MAX_WRITES) {
      const [oldest] = this.byKey.keys();
      this.byKey.delete(oldest!);
    }
  }
}
