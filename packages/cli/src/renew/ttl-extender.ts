import type { KeyCommands } from '../key-commands';
import type { RedisNode } from '../redis-connection';

/** For Redis 6.2, whose `PEXPIRE` has no `GT`. It neither shortens a TTL nor adds one to a key without. */
const EXTEND_SCRIPT = `
local ttl = redis.call('PTTL', KEYS[1])
if ttl >= 0 and ttl < tonumber(ARGV[1]) then return redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return 0`;

/** How Redis 6.2 refuses a third argument, and a server that knows only other conditions. */
const NO_GT = /^ERR (?:wrong number of arguments|unsupported option|syntax error)/i;

/** Commands in one pipeline. */
const BATCH = 1000;

/** A key that is to live at least `ttlMs` from now. */
export interface Extension {
  node: RedisNode;
  key: string;
  ttlMs: number;
}

/** Extends the TTLs of keys, and does nothing else to them. */
export class TtlExtender {
  private hasGt = true;

  constructor(private readonly commands: KeyCommands) {}

  /** Answers how many keys live longer now: not those that have no TTL or a longer one, or that don't exist any more. */
  async extendAll(extensions: Extension[]): Promise<number> {
    const byNode = new Map<RedisNode, Extension[]>();
    for (const extension of extensions) {
      const ofNode = byNode.get(extension.node);
      if (ofNode) ofNode.push(extension);
      else byNode.set(extension.node, [extension]);
    }
    let extended = 0;
    for (const [node, ofNode] of byNode.entries()) {
      for (let start = 0; start < ofNode.length; start += BATCH) {
        extended += await this.extendBatch(node, ofNode.slice(start, start + BATCH));
      }
    }
    return extended;
  }

  /** Extends one by one the keys that fail in the pipeline. */
  private async extendBatch(node: RedisNode, batch: Extension[]): Promise<number> {
    const replies = await node.sendCommands(batch.map((extension) => this.build(extension)));
    let extended = 0;
    for (const [index, reply] of replies.entries()) {
      const isExtended = reply.status === 'fulfilled' ? reply.value === 1 : await this.extend(batch[index]!);
      if (isExtended) extended += 1;
    }
    return extended;
  }

  private async extend(extension: Extension): Promise<boolean> {
    const { node, key } = extension;
    try {
      return (await this.commands.send(node, key, this.build(extension))) === 1;
    } catch (error) {
      if (!this.hasGt || !NO_GT.test((error as Error).message)) throw error;
      this.hasGt = false;
      return this.extend(extension);
    }
  }

  private build({ key, ttlMs }: Extension): string[] {
    const ttl = String(Math.ceil(ttlMs));
    return this.hasGt ? ['PEXPIRE', key, ttl, 'GT'] : ['EVAL', EXTEND_SCRIPT, '1', key, ttl];
  }
}
