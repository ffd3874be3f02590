import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { delay, startFaultProxy, startTemporal, type Fault } from '@temporal-redis-storage/testing';
import { requireRedisServer } from '../../testing/src/servers/redis-server';
import type { DoctorResult } from '../src';
import { DURABLE, findTroubles, runDoctor, send, useServers } from './support/doctor';
import { createPrefix, openRedis } from './support/redis';
import { runCommand } from './support/run-command';
import { eventually } from './support/scripted-workflows';

jest.setTimeout(120_000);

describe('doctor', () => {
  const { keep, startServer } = useServers();

  it('finds nothing wrong with a durable Redis, and leaves no key behind', async () => {
    const { url } = await startServer(...DURABLE);
    const findings = await runDoctor(url);
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

  it('names the server and its version', async () => {
    const { stdout } = await promisify(execFile)(requireRedisServer(), ['--version']);
    const [, name, version] = /^(Redis|Valkey) server v=([\d.]+) /.exec(stdout)!;
    const { url } = await startServer(...DURABLE);
    expect((await runDoctor(url)).get('version')).toMatchObject({ severity: 'ok', seen: `${name} ${version}` });
  });

  it('finds a server that is too old', async () => {
    const proxy = keep(await startFaultProxy(await startServer(...DURABLE)));
    proxy.toClient = replaceText(/redis_version:\d+\.\d+/, (field) => 'redis_version:5.9'.padEnd(field.length, '9'));
    const findings = await runDoctor(`redis://${proxy.host}:${proxy.port}`);
    expect(findTroubles(findings)).toEqual({ version: 'error' });
  });

  it('finds an error where neither AOF nor snapshots survive a restart, and a warning with snapshots alone', async () => {
    const { url } = await startServer();
    await send(url, 'CONFIG', 'SET', 'save', '');
    expect(findTroubles(await runDoctor(url))).toEqual({ aof: 'error' });
    await send(url, 'CONFIG', 'SET', 'save', '3600 1');
    const findings = await runDoctor(url);
    expect(findTroubles(findings)).toEqual({ aof: 'warning' });
    expect(findings.get('aof')!.seen).toBe('no AOF, snapshots by "3600 1": a restart loses the latest writes');
  });

  it('warns of an AOF that is never synced', async () => {
    const { url } = await startServer(...DURABLE, '--appendfsync', 'no');
    expect(findTroubles(await runDoctor(url))).toEqual({ appendfsync: 'warning' });
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
    const findings = await runDoctor(url, { ...(ttl && { ttl }), ignore: ['ttl'] });
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
    const findings = await runDoctor(url, { maxPayloadSize: 2 * 1024 * 1024 });
    expect(findings.get('evictions')).toMatchObject({ severity: 'warning' });
    expect(findings.get('payload-limit')).toMatchObject({ severity: 'unknown' });
    expect(findings.get('payload-limit')!.seen).toContain('was not tried');
  });

  it('finds a Redis that is full', async () => {
    const { url } = await startServer(...DURABLE);
    await send(url, 'CONFIG', 'SET', 'maxmemory', '600kb');
    const findings = await runDoctor(url);
    expect(findings.get('memory')).toMatchObject({ severity: 'error' });
    expect(findings.get('writes')).toMatchObject({
      severity: 'error',
      seen: expect.stringContaining('SET failed: OOM command not allowed'),
      advice: 'Give Redis more maxmemory, or payloads a ttl. Do not let it evict.',
    });
  });

  it('warns of a Redis that is filling up', async () => {
    const { url } = await startServer(...DURABLE);
    const redis = await openRedis(url);
    try {
      for (let index = 0; index < 200; index += 1) await redis.set(`filler:${index}`, 'x'.repeat(100_000));
      const used = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))![1]);
      await redis.configSet('maxmemory', String(Math.round(used / 0.87)));
    } finally {
      redis.destroy();
    }
    const findings = await runDoctor(url);
    expect(findTroubles(findings)).toEqual({ memory: 'warning' });
    expect(findings.get('memory')!.seen).toMatch(/^\d+\.\d MiB of \d+\.\d MiB used$/);
  });

  it('finds that Redis cannot save, and refuses writes therefore', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'doctor-'));
    const { url } = await startServer('--dir', dir);
    await rm(dir, { recursive: true });
    await send(url, 'CONFIG', 'SET', 'save', '3600 1');
    await send(url, 'BGSAVE');
    await eventually(async () => (await runDoctor(url)).get('last-save')?.severity === 'error');
    const findings = await runDoctor(url);
    expect(findings.get('last-save')!.seen).toBe('failed: rdb_last_bgsave_status');
    expect(findings.get('writes')).toMatchObject({
      severity: 'error',
      seen: expect.stringMatching(/ failed: MISCONF /),
    });
    expect(findings.get('latency')).toMatchObject({
      severity: 'unknown',
      seen: expect.stringContaining('PING failed'),
    });
    // Otherwise it refuses to shut down.
    await send(url, 'CONFIG', 'SET', 'save', '');
  });

  it('finds a payload limit that is more than Redis takes', async () => {
    const { url } = await startServer(...DURABLE, '--proto-max-bulk-len', '1mb');
    const findings = await runDoctor(url, { maxPayloadSize: 2 * 1024 * 1024 });
    expect(findTroubles(findings)).toEqual({ 'payload-limit': 'error' });
    expect(findings.get('payload-limit')!.advice).toContain('Set maxPayloadSize (--max-payload-size)');
  });

  it.each([
    [
      'INFO',
      ['version', 'role', 'evictions', 'memory', 'last-save', 'replicas'],
      { 'eviction-policy': 'ok', aof: 'ok', writes: 'ok' },
    ],
    ['CONFIG', ['appendfsync'], { 'eviction-policy': 'ok', aof: 'ok', memory: 'ok', version: 'ok' }],
  ])('takes what %s alone does not say from elsewhere, or for unknown', async (command, unknown, known) => {
    const { url, host, port } = await startServer(...DURABLE);
    await send(url, 'ACL', 'SETUSER', 'some', 'on', '>secret', '~*', '+@all', `-${command.toLowerCase()}`);
    const refused = await runDoctor(`redis://some:secret@${host}:${port}`);
    const renamed = await runDoctor((await startServer(...DURABLE, '--rename-command', command, '')).url);
    for (const findings of [refused, renamed]) {
      expect(Object.fromEntries(unknown.map((code) => [code, 'unknown']))).toEqual(findTroubles(findings));
      for (const [code, severity] of Object.entries(known)) expect(findings.get(code)!.severity).toBe(severity);
    }
  });

  it('takes silence for unknown, never for an error: INFO and CONFIG are renamed', async () => {
    const { url } = await startServer(...DURABLE, '--rename-command', 'INFO', '', '--rename-command', 'CONFIG', '');
    expect(findTroubles(await runDoctor(url))).toEqual({
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
    const findings = await runDoctor(`redis://${proxy.host}:${proxy.port}`);
    expect(findTroubles(findings)).toEqual({ 'eviction-policy': 'unknown', appendfsync: 'unknown' });
  });

  it('tries the commands that a least-privileged user needs, and finds the refused ones', async () => {
    const { url, host, port } = await startServer(...DURABLE);
    const keyPrefix = createPrefix();
    const rights = '+set +srem +strlen +get +getex +eval +pttl +pexpire +ping';
    await send(url, 'ACL', 'SETUSER', 'worker', 'on', '>secret', `~${keyPrefix}:*`, ...rights.split(' '));
    await send(url, 'ACL', 'SETUSER', 'reader', 'on', '>secret', `~${keyPrefix}:*`, '+get');

    const worker = await runDoctor(`redis://worker:secret@${host}:${port}`, { keyPrefix });
    expect(worker.get('permissions')).toMatchObject({ severity: 'ok' });
    expect(worker.get('bytes')).toMatchObject({ severity: 'ok' });
    expect([...worker.values()].filter(({ severity }) => severity === 'error' || severity === 'warning')).toEqual([]);

    const reader = await runDoctor(`redis://reader:secret@${host}:${port}`, { keyPrefix });
    expect(reader.get('permissions')).toMatchObject({
      severity: 'error',
      seen: expect.stringMatching(/^SREM refused .*; SET refused \(nothing can be stored\); GETEX refused/),
    });

    await send(url, 'ACL', 'SETUSER', 'worker', '-srem');
    const withoutSrem = await runDoctor(`redis://worker:secret@${host}:${port}`, { keyPrefix });
    expect(reader.get('latency')).toMatchObject({ severity: 'unknown', seen: 'PING is refused' });
    expect(withoutSrem.get('permissions')).toMatchObject({
      severity: 'warning',
      seen: 'SREM refused (large payloads are sent even if Redis has them)',
    });

    const elsewhere = await runDoctor(`redis://worker:secret@${host}:${port}`);
    expect(elsewhere.get('permissions')).toMatchObject({ severity: 'error' });
  });

  it('finds a gateway that changes bytes, and a slow network', async () => {
    const proxy = keep(await startFaultProxy(await startServer(...DURABLE)));
    proxy.toServer = delay(60);
    proxy.toClient = async function* (bytes) {
      yield Buffer.from(bytes.map((byte) => (byte > 127 ? 63 : byte)));
    };
    const findings = await runDoctor(`redis://${proxy.host}:${proxy.port}`);
    expect(findTroubles(findings)).toEqual({ latency: 'warning', bytes: 'error', 'payload-limit': 'error' });
  });

  it("compares ttl with the namespace's retention, and takes an unreachable Temporal for unknown", async () => {
    const { url } = await startServer(...DURABLE);
    const { address, namespace } = keep(await startTemporal());
    expect((await runDoctor(url, { address, namespace, ttl: '30d' })).get('ttl')).toMatchObject({
      severity: 'ok',
      seen: `ttl 30 d, retention of ${namespace} 1 d: runs may last 29 d, or any time with a daily \`renew\``,
    });
    expect((await runDoctor(url, { address, namespace, ttl: '12h' })).get('ttl')).toMatchObject({
      severity: 'warning',
    });
    expect((await runDoctor(url, { address, namespace: 'no-such', ttl: '30d' })).get('ttl')).toMatchObject({
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
function replaceText(text: string | RegExp, replacement: string | ((found: string) => string)): Fault {
  return async function* (bytes) {
    yield Buffer.from(bytes.toString('latin1').replace(text, replacement as string), 'latin1');
  };
}
