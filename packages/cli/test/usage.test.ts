import { startFaultProxy, startRedis, startRedisCluster, type RunningRedis } from '@temporal-redis-storage/testing';
import { createCluster } from 'redis';
import { measureUsage, type UsageResult } from '../src';
import { createPrefix, openRedis, spellKey, type KeyTarget, type TestRedis } from './support/redis';
import { runCommand, runJson } from './support/run-command';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describe('usage', () => {
  let server: RunningRedis;
  let redis: TestRedis;
  let keyPrefix: string;

  beforeAll(async () => {
    server = await startRedis();
    redis = await openRedis(server.url);
  });

  beforeEach(() => {
    keyPrefix = createPrefix();
  });

  afterAll(async () => {
    redis?.destroy();
    await server?.stop();
  });

  async function write(target: KeyTarget | undefined, size: number, ttlMs?: number): Promise<string> {
    const key = spellKey(keyPrefix, target);
    await redis.set(key, 'x'.repeat(size), ttlMs === undefined ? {} : { PX: ttlMs });
    return key;
  }

  async function usage(...args: string[]): Promise<UsageResult> {
    return runJson('usage', '--redis-url', server.url, '--key-prefix', keyPrefix, ...args);
  }

  it('counts nothing under a prefix without payloads, and succeeds', async () => {
    const { status, stdout } = await runCommand(['usage', '--redis-url', server.url, '--key-prefix', keyPrefix]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: '0 keys, 0 B, 0 of them without a TTL\n' });
  });

  it('groups payloads by namespace, kind and type, the largest group first', async () => {
    await write({ namespace: 'shop', type: 'order', id: 'o-1' }, 1000, DAY_MS);
    await write({ namespace: 'shop', type: 'order', id: 'o-2' }, 2000);
    await write({ namespace: 'shop', id: 'o-2' }, 500, DAY_MS);
    await write({ namespace: 'back office', kind: 'activity', type: 'print', id: 'p' }, 100, DAY_MS);
    await write(undefined, 10, DAY_MS);

    const { keys, bytes, withoutTtl, groups } = await usage();

    expect({ keys, bytes, withoutTtl }).toEqual({ keys: 5, bytes: 3610, withoutTtl: 1 });
    expect(groups).toEqual([
      { namespace: 'shop', kind: 'workflow', type: 'order', keys: 2, bytes: 3000, withoutTtl: 1 },
      { namespace: 'shop', kind: 'workflow', type: null, keys: 1, bytes: 500, withoutTtl: 0 },
      { namespace: 'back office', kind: 'activity', type: 'print', keys: 1, bytes: 100, withoutTtl: 0 },
      { namespace: null, kind: null, type: null, keys: 1, bytes: 10, withoutTtl: 0 },
    ]);
  });

  it('lists the largest workflows, whatever characters their ids have, and as many as --top says', async () => {
    await write({ namespace: 'shop', type: 'order', id: 'a:wi:"b" 😀' }, 700, DAY_MS);
    await write({ namespace: 'shop', id: 'a:wi:"b" 😀' }, 700, DAY_MS);
    await write({ namespace: 'shop', type: 'order', id: 'o-2' }, 1000, DAY_MS);
    await write({ namespace: 'shop', type: 'order', id: 'o-3' }, 900, DAY_MS);

    const { workflows } = await usage('--top', '2');

    expect(workflows).toEqual([
      { namespace: 'shop', kind: 'workflow', id: 'a:wi:"b" 😀', keys: 2, bytes: 1400 },
      { namespace: 'shop', kind: 'workflow', id: 'o-2', keys: 1, bytes: 1000 },
    ]);
  });

  it('counts when payloads expire, without those that never do', async () => {
    const target = { namespace: 'shop', id: 'o' };
    await write(target, 1, HOUR_MS / 2);
    await write(target, 20, 2 * HOUR_MS);
    await write(target, 300, 2 * HOUR_MS);
    await write(target, 4000, 365 * DAY_MS);
    await write(target, 50_000);

    const { expiry } = await usage();

    expect(expiry).toEqual([
      { withinMs: HOUR_MS, keys: 1, bytes: 1 },
      { withinMs: DAY_MS, keys: 2, bytes: 320 },
      { withinMs: 7 * DAY_MS, keys: 0, bytes: 0 },
      { withinMs: 30 * DAY_MS, keys: 0, bytes: 0 },
      { withinMs: 90 * DAY_MS, keys: 0, bytes: 0 },
      { withinMs: null, keys: 1, bytes: 4000 },
    ]);
  });

  it('ignores keys of other prefixes and other formats, even where a prefix looks like a pattern', async () => {
    keyPrefix = `${createPrefix()}[a-z]*?`;
    await write({ namespace: 'shop', id: 'o' }, 10, DAY_MS);
    const digest = `d:sha256:${'0'.repeat(64)}`;
    await redis.set(`${keyPrefix}:v0:note`, 'x');
    await redis.set(`${keyPrefix}:v1:${digest}`, 'x');
    await redis.set(`${keyPrefix}:v0:nested:v0:${digest}`, 'x');
    await redis.set(`${keyPrefix.replace('[a-z]*?', 'bcd')}:v0:${digest}`, 'x');

    await expect(usage()).resolves.toMatchObject({ keys: 1, bytes: 10 });
  });

  it('counts a payload as empty where somebody has put a list in its place', async () => {
    const key = await write({ namespace: 'shop', id: 'o' }, 10);
    await redis.del(key);
    await redis.rPush(key, 'element');

    await expect(usage()).resolves.toMatchObject({ keys: 1, bytes: 0 });
  });

  it('prints tables for people', async () => {
    await write({ namespace: 'shop', type: 'order', id: 'o-1' }, 3 * 1024 * 1024, DAY_MS);
    await write({ namespace: 'shop', type: 'order', id: 'o-2' }, 1024);

    const { stdout } = await runCommand(['usage', '--redis-url', server.url, '--key-prefix', keyPrefix]);

    expect(stdout).toBe(`2 keys, 3.0 MiB, 1 of them without a TTL

namespace  kind      type   keys     size  without TTL
shop       workflow  order     2  3.0 MiB            1

expires within  keys     size
1 h                0      0 B
1 d                1  3.0 MiB
7 d                0      0 B
30 d               0      0 B
90 d               0      0 B
later              0      0 B

largest  namespace  kind      keys     size
o-1      shop       workflow     1  3.0 MiB
o-2      shop       workflow     1  1.0 KiB
`);
  });

  it('counts every payload of a Redis Cluster', async () => {
    const { nodes, stop } = await startRedisCluster({ replicasPerMaster: 0 });
    const cluster = await createCluster({ rootNodes: [{ url: nodes[0]!.url }] }).connect();
    try {
      for (let index = 0; index < 60; index += 1) {
        await cluster.set(spellKey(keyPrefix, { namespace: 'shop', id: `o-${index}` }), 'xy', { PX: DAY_MS });
      }
      const result = await measureUsage({ redisUrl: nodes[0]!.url, cluster: true, keyPrefix });
      expect(result).toMatchObject({ keys: 60, bytes: 120, withoutTtl: 0 });
    } finally {
      cluster.destroy();
      await stop();
    }
  });

  it('counts each payload once when the connection is lost in the middle of the scan', async () => {
    const writes: Promise<unknown>[] = [];
    for (let index = 0; index < 5000; index += 1)
      writes.push(write({ namespace: 'shop', id: `o-${index}` }, 1, DAY_MS));
    await Promise.all(writes);
    const proxy = await startFaultProxy(server);
    try {
      let cuts = 0;
      const result = await measureUsage({
        redisUrl: `redis://${proxy.host}:${proxy.port}`,
        keyPrefix,
        onProgress: () => {
          if ((cuts += 1) !== 2) return;
          for (const link of proxy.links) link.reset();
        },
      });
      expect(cuts).toBeGreaterThan(2);
      expect(result).toMatchObject({ keys: 5000, bytes: 5000 });
    } finally {
      await proxy.stop();
    }
  });
});
