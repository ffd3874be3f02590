import {
  delay,
  startFaultProxy,
  startRedis,
  startRedisCluster,
  startRedisSentinel,
  startTemporal,
  type Fault,
  type RedisAddress,
} from '@temporal-redis-storage/testing';
import { diagnose, type DoctorFinding, type DoctorOptions, type DoctorResult } from '../src';
import { createPrefix, openRedis } from './support/redis';
import { runCommand } from './support/run-command';
import { eventually } from './support/scripted-workflows';

jest.setTimeout(120_000);

const SIZE = 64 * 1024;
const DURABLE = ['--appendonly', 'yes'];

describe('doctor', () => {
  let running: { stop(): Promise<void> }[] = [];

  afterEach(async () => {
    const all = running.toReversed();
    running = [];
    for (const each of all) await each.stop();
  });

  /** Stops a server after the test that has started it. */
  function keep<Running extends { stop(): Promise<void> }>(started: Running): Running {
    running.push(started);
    return started;
  }

  async function startServer(...args: string[]): Promise<RedisAddress & { url: string }> {
    return keep(await startRedis({ args }));
  }

  async function run(redisUrl: string, options: DoctorOptions = {}): Promise<Map<string, DoctorFinding>> {
    const { findings } = await diagnose({ redisUrl, maxPayloadSize: SIZE, keyPrefix: createPrefix(), ...options });
    return new Map(findings.map((finding) => [finding.code, finding]));
  }

  /** Codes of the findings that aren't `ok`, with their severity. */
  function findTroubles(findings: Map<string, DoctorFinding>): Record<string, string> {
    const troubles = [...findings.values()].filter(({ severity }) => severity !== 'ok');
    return Object.fromEntries(troubles.map(({ code, severity }) => [code, severity]));
  }

  async function send(url: string, ...args: string[]): Promise<void> {
    const redis = await openRedis(url);
    try {
      await redis.sendCommand(args);
    } finally {
      redis.destroy();
    }
  }

  it('finds nothing wrong with a durable Redis, and leaves no key behind', async () => {
    const { url } = await startServer(...DURABLE);
    const findings = await run(url);
    expect(findTroubles(findings)).toEqual({});
    expect([...findings.keys()]).toEqual([
      'version',
      'role',
      'eviction-policy',
      'evictions',
      'memory',
      'aof',
      'appendfsync',
      'last-save',
      'replicas',
      'writes',
      'permissions',
      'latency',
      'bytes',
      'payload-limit',
      'ttl',
    ]);
    const redis = await openRedis(url);
    try {
      await expect(redis.dbSize()).resolves.toBe(0);
    } finally {
      redis.destroy();
    }
  });

  it('finds an error where neither AOF nor snapshots survive a restart, and a warning with snapshots alone', async () => {
    const { url } = await startServer();
    await send(url, 'CONFIG', 'SET', 'save', '');
    expect(findTroubles(await run(url))).toEqual({ aof: 'error' });
    await send(url, 'CONFIG', 'SET', 'save', '3600 1');
    const findings = await run(url);
    expect(findTroubles(findings)).toEqual({ aof: 'warning' });
    expect(findings.get('aof')!.seen).toBe('no AOF, snapshots by "3600 1": a restart loses the latest writes');
  });

  it('warns of an AOF that is never synced', async () => {
    const { url } = await startServer(...DURABLE, '--appendfsync', 'no');
    expect(findTroubles(await run(url))).toEqual({ appendfsync: 'warning' });
  });

  it.each([
    ['volatile-lru', '30d', 'error'],
    ['volatile-lru', undefined, 'ok'],
    ['volatile-ttl', '30d', 'error'],
    ['allkeys-lru', '30d', 'error'],
    ['allkeys-random', undefined, 'error'],
    ['noeviction', '30d', 'ok'],
  ] as const)('judges the eviction policy %s with the ttl %s: %s', async (policy, ttl, severity) => {
    const { url } = await startServer(...DURABLE, '--maxmemory-policy', policy);
    const findings = await run(url, { ...(ttl && { ttl }), ignore: ['ttl'] });
    expect(findings.get('eviction-policy')!.severity).toBe(severity);
    expect(findTroubles(findings)).toEqual(severity === 'ok' ? {} : { 'eviction-policy': severity });
  });

  it('warns of evictions that have happened, and tries no large payload where it would evict others', async () => {
    const { url } = await startServer(...DURABLE, '--maxmemory', '4mb', '--maxmemory-policy', 'allkeys-lru');
    const redis = await openRedis(url);
    try {
      for (let index = 0; index < 100; index += 1) await redis.set(`filler:${index}`, 'x'.repeat(100_000));
    } finally {
      redis.destroy();
    }
    const findings = await run(url, { maxPayloadSize: 2 * 1024 * 1024 });
    expect(findings.get('evictions')).toMatchObject({ severity: 'warning' });
    expect(findings.get('payload-limit')).toMatchObject({ severity: 'unknown' });
    expect(findings.get('payload-limit')!.seen).toContain('was not tried');
  });

  it('finds a Redis that is full', async () => {
    const { url } = await startServer(...DURABLE);
    await send(url, 'CONFIG', 'SET', 'maxmemory', '600kb');
    const findings = await run(url);
    expect(findings.get('memory')).toMatchObject({ severity: 'error' });
    expect(findings.get('writes')).toMatchObject({
      severity: 'error',
      seen: expect.stringContaining('SET failed: OOM command not allowed'),
      advice: 'Give Redis more maxmemory, or payloads a ttl. Do not let it evict.',
    });
  });

  it('finds a payload limit that is more than Redis takes', async () => {
    const { url } = await startServer(...DURABLE, '--proto-max-bulk-len', '1mb');
    const findings = await run(url, { maxPayloadSize: 2 * 1024 * 1024 });
    expect(findTroubles(findings)).toEqual({ 'payload-limit': 'error' });
    expect(findings.get('payload-limit')!.advice).toContain('Set maxPayloadSize (--max-payload-size)');
  });

  it('finds that it is connected to a replica', async () => {
    const primary = await startServer(...DURABLE);
    const { url } = await startServer(...DURABLE, '--replicaof', primary.host, String(primary.port));
    const findings = await run(url);
    expect(findings.get('role')).toMatchObject({ severity: 'error', seen: 'replica' });
    expect(findings.get('writes')).toMatchObject({ severity: 'error', advice: 'Connect to the primary.' });
  });

  it('finds that replicas do not guard writes, and that too few are in step', async () => {
    const primary = await startServer(...DURABLE);
    await startServer('--replicaof', primary.host, String(primary.port));
    await eventually(async () => (await run(primary.url)).get('replicas')?.seen === '1 online');
    expect(findTroubles(await run(primary.url))).toEqual({ 'min-replicas-to-write': 'warning' });

    await send(primary.url, 'CONFIG', 'SET', 'min-replicas-to-write', '1');
    await eventually(async () => Object.keys(findTroubles(await run(primary.url))).length === 0);

    await send(primary.url, 'CONFIG', 'SET', 'min-replicas-to-write', '2');
    const findings = await run(primary.url);
    expect(findTroubles(findings)).toEqual({ 'min-replicas-to-write': 'error', writes: 'error' });
    expect(findings.get('writes')!.seen).toContain('NOREPLICAS');
  });

  it('takes silence for unknown, never for an error: INFO and CONFIG are renamed', async () => {
    const { url } = await startServer(...DURABLE, '--rename-command', 'INFO', '', '--rename-command', 'CONFIG', '');
    expect(findTroubles(await run(url))).toEqual({
      version: 'unknown',
      role: 'unknown',
      'eviction-policy': 'unknown',
      evictions: 'unknown',
      memory: 'unknown',
      aof: 'unknown',
      'last-save': 'unknown',
      replicas: 'unknown',
      'payload-limit': 'unknown',
    });
  });

  it('takes an empty eviction policy for unknown', async () => {
    const server = await startServer(...DURABLE, '--rename-command', 'CONFIG', '');
    const proxy = keep(await startFaultProxy(server));
    // As long as what it replaces, because the reply says its length.
    proxy.toClient = replaceText('maxmemory_policy:noeviction', 'maxmemory_policy:\r\nx:abcdef');
    const findings = await run(`redis://${proxy.host}:${proxy.port}`);
    expect(findTroubles(findings)).toEqual({ 'eviction-policy': 'unknown', appendfsync: 'unknown' });
  });

  it('tries the commands that a least-privileged user needs, and finds the refused ones', async () => {
    const { url, host, port } = await startServer(...DURABLE);
    const keyPrefix = createPrefix();
    const rights = '+set +srem +get +getex +eval +pexpire +ping';
    await send(url, 'ACL', 'SETUSER', 'worker', 'on', '>secret', `~${keyPrefix}:*`, ...rights.split(' '));
    await send(url, 'ACL', 'SETUSER', 'reader', 'on', '>secret', `~${keyPrefix}:*`, '+get');

    const worker = await run(`redis://worker:secret@${host}:${port}`, { keyPrefix });
    expect(worker.get('permissions')).toMatchObject({ severity: 'ok' });
    expect(worker.get('bytes')).toMatchObject({ severity: 'ok' });
    expect([...worker.values()].filter(({ severity }) => severity === 'error' || severity === 'warning')).toEqual([]);

    const reader = await run(`redis://reader:secret@${host}:${port}`, { keyPrefix });
    expect(reader.get('permissions')).toMatchObject({
      severity: 'error',
      seen: expect.stringMatching(/^SREM refused .*; SET refused \(nothing can be stored\); GETEX refused/),
    });

    await send(url, 'ACL', 'SETUSER', 'worker', '-srem');
    const withoutSrem = await run(`redis://worker:secret@${host}:${port}`, { keyPrefix });
    expect(withoutSrem.get('permissions')).toMatchObject({
      severity: 'warning',
      seen: 'SREM refused (large payloads are sent even if Redis has them)',
    });

    const elsewhere = await run(`redis://worker:secret@${host}:${port}`);
    expect(elsewhere.get('permissions')).toMatchObject({ severity: 'error' });
  });

  it('looks at every primary of a Redis Cluster, and warns where only one is looked at', async () => {
    const { nodes } = keep(await startRedisCluster({ replicasPerMaster: 0 }));
    const { url } = nodes[0]!;
    for (const node of nodes) await send(node.url, 'CONFIG', 'SET', 'appendonly', 'yes');
    expect(findTroubles(await run(url, { cluster: true }))).toEqual({});
    expect(findTroubles(await run(url))).toEqual({ cluster: 'warning' });

    await send(nodes[1]!.url, 'CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    const findings = await run(url, { cluster: true });
    expect(findings.get('eviction-policy')).toMatchObject({
      severity: 'error',
      seen: `127.0.0.1:${nodes[1]!.port}: allkeys-lru`,
    });
  });

  it('finds that the URL is that of a Sentinel', async () => {
    const { sentinels } = keep(await startRedisSentinel());
    const { host, port } = sentinels[0]!;
    const findings = await run(`redis://${host}:${port}`);
    expect(findings.get('role')).toMatchObject({ severity: 'error', seen: 'a Sentinel' });
  });

  it('finds a gateway that changes bytes, and a slow network', async () => {
    const proxy = keep(await startFaultProxy(await startServer(...DURABLE)));
    proxy.toServer = delay(60);
    proxy.toClient = async function* (bytes) {
      yield Buffer.from(bytes.map((byte) => (byte > 127 ? 63 : byte)));
    };
    const findings = await run(`redis://${proxy.host}:${proxy.port}`);
    expect(findTroubles(findings)).toEqual({ latency: 'warning', bytes: 'error', 'payload-limit': 'error' });
  });

  it("compares ttl with the namespace's retention, and takes an unreachable Temporal for unknown", async () => {
    const { url } = await startServer(...DURABLE);
    const { address, namespace } = keep(await startTemporal());
    expect((await run(url, { address, namespace, ttl: '30d' })).get('ttl')).toMatchObject({
      severity: 'ok',
      seen: `ttl 30 d, retention of ${namespace} 1 d: runs may last 29 d, or any time with a daily \`renew\``,
    });
    expect((await run(url, { address, namespace, ttl: '12h' })).get('ttl')).toMatchObject({ severity: 'warning' });
    expect((await run(url, { address, namespace: 'no-such', ttl: '30d' })).get('ttl')).toMatchObject({
      severity: 'unknown',
    });
  });

  it('exits with 1 on an error, with 0 once it is ignored, and prints what to do', async () => {
    const { url } = await startServer('--save', '');
    const args = ['doctor', '--redis-url', url, '--max-payload-size', '1024'];
    const { status, stdout } = await runCommand(args);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^error +aof +no AOF/m);
    expect(stdout).toContain('- aof: Set appendonly yes');
    const ignored = await runCommand([...args, '--json', '--ignore', 'aof', 'latency']);
    expect(ignored.status).toBe(0);
    const codes = (JSON.parse(ignored.stdout) as DoctorResult).findings.map(({ code }) => code);
    expect(codes).not.toContain('aof');
    expect(codes).not.toContain('latency');
  });

  it('exits with 2 where Redis refuses the password, and prints no password', async () => {
    const { host, port } = await startServer('--requirepass', 'right');
    const { status, stderr } = await runCommand(['doctor', '--redis-url', `redis://:wrong-secret@${host}:${port}`]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^Error: Cannot connect to Redis at 127\.0\.0\.1:\d+: WRONGPASS/);
    expect(stderr).not.toContain('secret');
  });
});

/** Replaces a text in every chunk of bytes. */
function replaceText(text: string, replacement: string): Fault {
  return async function* (bytes) {
    yield Buffer.from(bytes.toString('latin1').replace(text, replacement), 'latin1');
  };
}
