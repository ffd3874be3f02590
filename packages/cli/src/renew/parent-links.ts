import type { RedisConnection } from '../redis-connection';
import { retryCommand } from '../retry';

/**
 * Remembers in Redis which parent a child had, beyond the day on which Temporal deletes the child's run and with it the
 * only way from the child to the parent. The keys expire by themselves, and aren't in the format of payloads' keys.
 */
export class ParentLinks {
  /** @param ttlMs - longer than any payload's TTL, so that a link outlives the payloads that it is for */
  constructor(
    private readonly redis: RedisConnection,
    private readonly keyPrefix: string,
    private readonly namespace: string,
    private readonly ttlMs: number,
    private readonly dryRun: boolean,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** Notes the parents of children. */
  async record(parents: Map<string, Set<string>>): Promise<void> {
    if (this.dryRun) return;
    const ids = [...parents.keys()];
    await this.send(ids, (id) => ['SADD', ...parents.get(id)!]);
    await this.keep(ids);
  }

  /** The remembered parents of workflow ids, where there are any. */
  async find(ids: string[]): Promise<Map<string, Set<string>>> {
    const parents = (await this.send(ids, () => ['SMEMBERS'])) as string[][];
    return new Map(
      ids.map((id, index) => [id, new Set(parents[index])] as const).filter(([, found]) => found.size > 0),
    );
  }

  /** Remembers for as long again. */
  async keep(ids: string[]): Promise<void> {
    if (!this.dryRun) await this.send(ids, () => ['PEXPIRE', String(this.ttlMs)]);
  }

  /** @param command - of an id: the command's name, then what follows the key */
  private async send(ids: string[], command: (id: string) => [string, ...string[]]): Promise<unknown[]> {
    const replies: unknown[] = [];
    for (let start = 0; start < ids.length; start += 1000) {
      const batch = ids.slice(start, start + 1000).map(async (id) => {
        const key = this.buildKey(id);
        const [name, ...args] = command(id);
        return retryCommand(() => this.redis.sendCommand(key, [name, key, ...args]), this.signal);
      });
      replies.push(...(await Promise.all(batch)));
    }
    return replies;
  }

  private buildKey(id: string): string {
    const segments = [this.keyPrefix, 'parent', 'ns', encodeURIComponent(this.namespace), 'wi', encodeURIComponent(id)];
    return segments.filter((segment) => segment !== '').join(':');
  }
}
