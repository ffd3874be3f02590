import type { KeyCommands } from '../key-commands';
import type { RedisNode } from '../redis-connection';

/** For Redis 6.2, whose `PEXPIRE` has no `GT`. It neither shortens a TTL nor adds one to a key without. */
const EXTEND_SCRIPT = `
local ttl = redis.call('PTTL', KEYS[1])
if ttl >= 0 and ttl < tonumber(ARGV[1]) then return redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return 0`;

/** How Redis 6.2 refuses a third argument, and a server that knows only other conditions. */
const NO_GT = /^ERR (?:wrong number of arguments|unsupported option|syntax error)/i;

/** Extends the TTLs of keys, and does nothing else to them. */
export class TtlExtender {
  private hasGt = true;

  constructor(private readonly commands: KeyCommands) {}

  /** Lets a key live at least `ttlMs` from now. False if it has no TTL or a longer one, or doesn't exist any more. */
  async extend(node: RedisNode, key: string, ttlMs: number): Promise<boolean> {
    const ttl = String(Math.ceil(ttlMs));
    if (this.hasGt) {
      try {
        return (await this.commands.send(node, key, ['PEXPIRE', key, ttl, 'GT'])) === 1;
      } catch (error) {
        if (!NO_GT.test((error as Error).message)) throw error;
        this.hasGt = false;
      }
    }
    return (await this.commands.send(node, key, ['EVAL', EXTEND_SCRIPT, '1', key, ttl])) === 1;
  }
}
