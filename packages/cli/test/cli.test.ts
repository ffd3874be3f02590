import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startFaultProxy, startRedis, throttle, type RunningRedis } from '@temporal-redis-storage/testing';
import { createPrefix, openRedis, spellKey } from './support/redis';
import { runCommand } from './support/run-command';

const CLEAR_LINE = '\r\u001B[K';
const COMMANDS = ['doctor', 'inspect', 'usage', 'renew'];

describe('the command line', () => {
  let server: RunningRedis;

  beforeAll(async () => {
    server = await startRedis();
  });

  afterAll(async () => server?.stop());

  it('lists its commands, and exits with 0', async () => {
    const { status, stdout } = await runCommand(['--help']);
    expect(status).toBe(0);
    for (const command of [...COMMANDS, 'serve']) expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
  });

  it.each(COMMANDS)('explains the options and exit statuses of %s', async (command) => {
    const { status, stdout } = await runCommand([command, '--help']);
    expect(status).toBe(0);
    expect(stdout).toContain('--redis-url <url>');
    expect(stdout).toContain('--json');
    expect(stdout).toContain('Exit status');
  });

  it.each([
    [['nonsense'], "error: unknown command 'nonsense'"],
    [['renew'], "error: required option '--ttl <duration>' not specified"],
    [['usage', '--colour'], "error: unknown option '--colour'"],
    [['usage', '--redis-url', 'localhost'], 'Error: The Redis URL (--redis-url or REDIS_URL) is malformed'],
    [
      ['usage', '--cluster', '--redis-url', 'unix:///x'],
      'Error: The Redis URL (--redis-url or REDIS_URL) must start with',
    ],
    [['usage', '--redis-url', 'redis://localhost', '--top', 'x'], 'Error: --top must be a whole number, got x'],
    [['inspect', ''], 'Error: workflowId must not be empty'],
  ])('exits with 2 on %j, and says why on stderr', async (args, message) => {
    const { status, stdout, stderr } = await runCommand(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  it('exits with 2 where there is no Redis, and names the address', async () => {
    const { status, stderr } = await runCommand(['usage', '--redis-url', 'redis://user:secret@127.0.0.1:1']);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^Error: Cannot connect to Redis at 127\.0\.0\.1:1: /);
    expect(stderr).not.toContain('secret');
  });

  it('connects to a Unix socket, with a password, and says that one is missing', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'cli-'));
    const socket = join(directory, 'redis.sock');
    const { stop } = await startRedis({ args: ['--unixsocket', socket, '--requirepass', 'p@ss'] });
    try {
      const right = await runCommand(['usage', '--redis-url', `unix://:p%40ss@${socket}`]);
      expect(right).toMatchObject({ status: 0, stderr: '' });
      const missing = await runCommand(['usage', '--redis-url', `unix://${socket}`]);
      expect(missing.status).toBe(2);
      expect(missing.stderr).toContain(`Cannot connect to Redis at ${socket}: Redis asks for a password`);
    } finally {
      await stop();
      await rm(directory, { recursive: true });
    }
  });

  it('finds Redis by REDIS_URL', async () => {
    const before = process.env['REDIS_URL'];
    process.env['REDIS_URL'] = server.url;
    try {
      await expect(runCommand(['usage', '--key-prefix', createPrefix()])).resolves.toMatchObject({ status: 0 });
    } finally {
      if (before === undefined) delete process.env['REDIS_URL'];
      else process.env['REDIS_URL'] = before;
    }
  });

  it('shows progress on a terminal alone, on stderr, when it takes longer than a second', async () => {
    const keyPrefix = createPrefix();
    const redis = await openRedis(server.url);
    const keys = Array.from({ length: 3000 }, (_, index) =>
      spellKey(keyPrefix, { namespace: 'shop', id: `o-${index}` }),
    );
    await Promise.all(keys.map(async (key) => redis.set(key, 'x')));
    redis.destroy();
    const proxy = await startFaultProxy(server);
    proxy.toClient = throttle(500_000);
    try {
      const args = ['usage', '--redis-url', `redis://${proxy.host}:${proxy.port}`, '--key-prefix', keyPrefix];
      const onTerminal = await runCommand(args, { isTTY: true });
      expect(onTerminal.stderr.replaceAll(CLEAR_LINE, '|')).toMatch(/^\|\d+ keys\|/);
      expect(onTerminal.stderr.endsWith(CLEAR_LINE)).toBe(true);
      const inPipe = await runCommand(args);
      expect(inPipe).toEqual({ status: 0, stdout: onTerminal.stdout, stderr: '' });
    } finally {
      await proxy.stop();
    }
  });

  it('stops when it is interrupted, and exits with 2', async () => {
    const signal = AbortSignal.abort(new Error('Interrupted by SIGINT'));
    const { status, stderr } = await runCommand(['usage', '--redis-url', server.url], { signal });
    expect({ status, stderr }).toEqual({ status: 2, stderr: 'Error: Interrupted by SIGINT\n' });
  });

  it('runs as a program', async () => {
    const program = join(__dirname, '../lib/main.js');
    const { stdout } = await promisify(execFile)(process.execPath, [
      program,
      'usage',
      '--redis-url',
      server.url,
      '--json',
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ keys: 0, bytes: 0 });
  });
});
