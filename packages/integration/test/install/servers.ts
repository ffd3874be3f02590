import { randomUUID } from 'node:crypto';
import {
  startRedis,
  startTemporal,
  startUpstash,
  type RunningRedis,
  type RunningTemporal,
  type UpstashServer,
} from '@temporal-redis-storage/testing';
import { run } from './run';

/** The servers that the programs of these tests need. */
export class Servers {
  static async start(): Promise<Servers> {
    const redis = await startRedis();
    return new Servers(redis, await startUpstash({ redis }), await startTemporal());
  }

  private constructor(
    readonly redis: RunningRedis,
    readonly upstash: UpstashServer,
    readonly temporal: RunningTemporal,
  ) {}

  /** Runs a program with the servers' addresses in its environment, and returns its output. */
  async run(cwd: string, path: string): Promise<string> {
    return run(cwd, process.execPath, [path], {
      REDIS_URL: this.redis.url,
      UPSTASH_URL: this.upstash.url,
      UPSTASH_TOKEN: this.upstash.token,
      TEMPORAL_ADDRESS: this.temporal.address,
      TEMPORAL_NAMESPACE: this.temporal.namespace,
      KEY_PREFIX: `test:${randomUUID()}`,
    });
  }

  async stop(): Promise<void> {
    await Promise.all([this.temporal.stop(), this.upstash.stop()]);
    await this.redis.stop();
  }
}
