import type { RedisConnection, RedisNode } from './redis-connection';
import { retryCommand } from './retry';

/** Another node holds the key by now. */
const REDIRECTED = /^(?:MOVED|ASK|TRYAGAIN|CLUSTERDOWN) /;

/**
 * Sends commands about keys to the node on which a scan found them, so that they go out in one pipeline, or to the node
 * that holds a key by now. Repeats failed commands for some seconds.
 */
export class KeyCommands {
  constructor(
    private readonly redis: RedisConnection,
    private readonly signal?: AbortSignal,
  ) {}

  async send(node: RedisNode, key: string, args: string[]): Promise<number> {
    let redirected = false;
    const command = async (): Promise<unknown> => {
      try {
        return await (redirected ? this.redis.sendCommand(key, args) : node.sendCommand(args));
      } catch (error) {
        redirected ||= REDIRECTED.test((error as Error).message);
        throw error;
      }
    };
    return (await retryCommand(command, this.signal)) as number;
  }

  /** The milliseconds until each key expires; -1 if it never does, -2 if it doesn't exist. */
  async readTtls(node: RedisNode, keys: string[]): Promise<number[]> {
    return this.sendAll(node, keys, 'PTTL');
  }

  /** The bytes of each value; 0 if it doesn't exist, or is no string. */
  async readSizes(node: RedisNode, keys: string[]): Promise<number[]> {
    return this.sendAll(node, keys, 'STRLEN');
  }

  /** Repeats one by one the commands that fail in the pipeline. */
  private async sendAll(node: RedisNode, keys: string[], command: string): Promise<number[]> {
    this.signal?.throwIfAborted();
    const replies = await node.sendCommands(keys.map((key) => [command, key]));
    return Promise.all(
      replies.map(async (reply, index) => {
        if (reply.status === 'fulfilled') return reply.value as number;
        if ((reply.reason as Error).message.startsWith('WRONGTYPE')) return 0;
        return this.send(node, keys[index]!, [command, keys[index]!]);
      }),
    );
  }
}
