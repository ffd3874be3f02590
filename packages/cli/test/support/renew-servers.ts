import { randomUUID } from 'node:crypto';
import { startRedis, startTemporal, type RunningRedis, type RunningTemporal } from '@temporal-redis-storage/testing';
import { renewPayloads, type RenewOptions, type RenewResult } from '../../src';
import { openRedis, spellKey, type KeyTarget, type TestRedis } from './redis';
import { ScriptedWorkflows } from './scripted-workflows';

export const DAY_MS = 86_400_000;

/** The rest of a TTL of 30 days at which a key is due for renewal. */
export const DUE_MS = 5 * DAY_MS;

/** How long the test server keeps closed runs. */
export const RETENTION_MS = 24 * 3_600_000;

/** A Redis and a Temporal server for the tests of a file. */
export class RenewServers {
  server!: RunningRedis;
  redis!: TestRedis;
  temporal!: RunningTemporal;
  workflows!: ScriptedWorkflows;

  async start(): Promise<void> {
    this.server = await startRedis();
    this.redis = await openRedis(this.server.url);
    this.temporal = await startTemporal();
    this.workflows = await ScriptedWorkflows.connect(this.temporal.address, this.temporal.namespace);
  }

  async stop(): Promise<void> {
    await this.workflows?.close();
    await this.temporal?.stop();
    this.redis?.destroy();
    await this.server?.stop();
  }

  /** Writes a payload as the driver did some time ago. Without a TTL if that is null. */
  async write(prefix: string, target: KeyTarget | undefined, ttlMs: number | null = DUE_MS): Promise<string> {
    const key = spellKey(prefix, target && { namespace: this.temporal.namespace, ...target });
    await this.redis.set(key, 'payload', ttlMs === null ? {} : { PX: ttlMs });
    return key;
  }

  async renew(options: Partial<RenewOptions>): Promise<RenewResult> {
    const { address, namespace } = this.temporal;
    return renewPayloads({ redisUrl: this.server.url, address, namespace, ttl: '30d', maxRps: 1000, ...options });
  }

  async startOpen(id = `w-${randomUUID()}`): Promise<string> {
    await this.workflows.start(id);
    await this.workflows.waitFor(id, true);
    return id;
  }

  async startClosed(id = `w-${randomUUID()}`): Promise<string> {
    await this.workflows.start(id);
    await this.workflows.terminate(id);
    await this.workflows.waitFor(id, false);
    return id;
  }
}

/** Expects a TTL, give or take two minutes. */
export async function expectTtl({ redis }: RenewServers, key: string, ms: number): Promise<void> {
  const ttlMs = await redis.pTTL(key);
  expect(ttlMs).toBeLessThanOrEqual(ms);
  expect(ttlMs).toBeGreaterThan(ms - 120_000);
}
