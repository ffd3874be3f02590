import type { RedisAddress } from '../servers/redis';
import { RespConnection, type RespCommand, type RespReply } from './resp';

export interface UpstashReplicaOptions extends RedisAddress {
  /** The delay before the replica applies a write in ms. A read whose sync token requires the write applies it earlier. */
  lagMs: number;
}

interface Write {
  commands: RespCommand[];
  position: number;
}

/** A lagging read replica: a Redis on which each write of the primary runs again later. */
export class UpstashReplica {
  private readonly backlog: Write[] = [];
  private readonly timers = new Set<NodeJS.Timeout>();
  private position = 0;

  static async open({ lagMs, ...address }: UpstashReplicaOptions): Promise<UpstashReplica> {
    return new UpstashReplica(await RespConnection.open(address), lagMs);
  }

  private constructor(
    private readonly redis: RespConnection,
    private readonly lagMs: number,
  ) {}

  follow(commands: RespCommand[], position: number): void {
    this.backlog.push({ commands, position });
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      this.catchUp(position);
    }, this.lagMs);
    this.timers.add(timer);
  }

  /** Reads once every write up to `position` has been applied. */
  async read(command: RespCommand, position: number): Promise<{ reply: RespReply; position: number }> {
    this.catchUp(position);
    const appliedPosition = this.position;
    return { reply: await this.redis.send(command), position: appliedPosition };
  }

  close(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.redis.close();
  }

  private catchUp(position: number): void {
    while (this.backlog[0] !== undefined && this.backlog[0].position <= position) {
      const write = this.backlog.shift()!;
      this.position = write.position;
      // The replica also refuses a write that the primary refused.
      for (const command of write.commands) void this.redis.send(command).catch(() => {});
    }
  }
}
