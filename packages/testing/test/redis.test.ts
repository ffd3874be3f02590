import { existsSync } from 'node:fs';
import { createClient } from 'redis';
import { startRedis, type RunningRedis } from '../src/servers/redis';
import { waitUntil } from '../src/wait-until';
import { withKilledParent } from './killed-parent';
import { isReachable } from './reachable';

async function sendCommand(redis: RunningRedis, ...command: string[]): Promise<unknown> {
  const client = createClient({ url: redis.url });
  await client.connect();
  try {
    return await client.sendCommand(command);
  } finally {
    client.destroy();
  }
}

async function readSetting(redis: RunningRedis, name: string): Promise<string> {
  const reply = (await sendCommand(redis, 'CONFIG', 'GET', name)) as Record<string, string> | string[];
  return Array.isArray(reply) ? reply[1]! : reply[name]!;
}

describe('startRedis', () => {
  const running: RunningRedis[] = [];
  const start = async (...args: Parameters<typeof startRedis>): Promise<RunningRedis> => {
    const redis = await startRedis(...args);
    running.push(redis);
    return redis;
  };
  const environment = { ...process.env };
  beforeEach(() => {
    // redis-memory-server prints a warning for every Redis that does not start.
    jest.spyOn(console, 'warn').mockImplementation();
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    process.env = { ...environment };
    await Promise.all(running.splice(0).map((redis) => redis.stop()));
  });

  it('starts a Redis on a free port, and frees the port on stop', async () => {
    const redis = await start();

    expect(await sendCommand(redis, 'PING')).toBe('PONG');

    await redis.stop();
    expect(await isReachable(redis)).toBe(false);
  });

  it('starts a separate Redis each time', async () => {
    const [one, other] = await Promise.all([start(), start()]);

    await sendCommand(one, 'SET', 'key', 'value');

    expect(await sendCommand(other, 'EXISTS', 'key')).toBe(0);
  });

  it('has no persistence, and removes its folder on stop', async () => {
    const redis = await start();
    const folder = await readSetting(redis, 'dir');

    expect(await readSetting(redis, 'save')).toBe('');
    expect(await readSetting(redis, 'appendonly')).toBe('no');
    expect(existsSync(folder)).toBe(true);

    await redis.stop();
    expect(existsSync(folder)).toBe(false);
  });

  it('passes more settings to Redis', async () => {
    expect(await readSetting(await start({ args: ['--maxmemory', '1mb'] }), 'maxmemory')).toBe('1048576');
  });

  it('uses the given port, and rejects if the port is in use', async () => {
    const { port, stop } = await start();
    await expect(start({ port })).rejects.toThrow(`port ${port} is in use`);
    await stop();

    expect(await sendCommand(await start({ port }), 'PING')).toBe('PONG');
  });

  it('returns the process id of Redis', async () => {
    const redis = await start();

    expect(await sendCommand(redis, 'INFO', 'server')).toContain(`process_id:${redis.pid}\r\n`);
  });

  it('rejects if Redis does not accept a setting', async () => {
    await expect(start({ args: ['--no-such-setting', 'yes'] })).rejects.toThrow('Redis did not start');
  });

  it('rejects with advice if there is no redis-server', async () => {
    process.env = { PATH: '', XDG_CACHE_HOME: '/nonexistent' };

    await expect(start()).rejects.toThrow('Install Redis, or set REDIS_SERVER_PATH');
  });

  it('rejects a REDIS_SERVER_PATH that is not an executable file', async () => {
    process.env.REDIS_SERVER_PATH = '/nonexistent/redis-server';

    await expect(start()).rejects.toThrow("REDIS_SERVER_PATH is '/nonexistent/redis-server'");
  });

  it('ends the Redis when its process is killed', async () => {
    await withKilledParent('startRedis', async (redis) => {
      await expect(
        waitUntil('Redis has ended', [redis], async () => !(await isReachable(redis))),
      ).resolves.toBeUndefined();
    });
  });
});
