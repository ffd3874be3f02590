/** The oldest writes beyond this many are forgotten; by then the replicas have long caught up. */
const MAX_WRITES = 1000;

/**
 * The sync token of this client's latest write to each key. A replica must have seen that write before it serves a read of
 * the key. One token for all keys could go backwards, because responses to concurrent writes may arrive in any order and
 * tokens are opaque: nothing says which of two is newer.
 */
export class SyncTokens {
  private readonly byKey = new Map<string, string>();

  get(key: string): string | undefined {
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
