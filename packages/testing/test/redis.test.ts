import { existsSync } from 'node:fs';
import { createClient } from 'redis';
import { startRedis, type RunningRedis } from '../src/servers/redis';
import { waitUntil } from '../src/wait-until';
import { withKilledParent } from './killed-parent';
import { isReachable } from './reachable';

async function ask(redis: RunningRedis, ...command: string[]): Promise<unknown> {
  const client = createClient({ url: redis.url });
  await client.connect();
  try {
    return await client.sendCommand(command);
  } finally {
    client.destroy();
  }
}

async function setting(redis: RunningRedis, name: string): Promise<string> {
  const reply = (await ask(redis, 'CONFIG', 'GET', name)) as Record<string, string> | string[];
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
    // redis-memory-server warns of every Redis that does not start.
    jest.spyOn(console, 'warn').mockImplementation();
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    process.env = { ...environment };
    await Promise.all(running.splice(0).map((redis) => redis.stop()));
  });

  it('starts a Redis on a free port, which is free again after stop', async () => {
    const redis = await start();

    expect(await ask(redis, 'PING')).toBe('PONG');

    await redis.stop();
    expect(await isReachable(redis)).toBe(false);
  });

  it('starts a separate Redis each time', async () => {
    const [one, other] = await Promise.all([start(), start()]);

    await ask(one, 'SET', 'key', 'value');

    expect(await ask(other, 'EXISTS', 'key')).toBe(0);
  });

  it('keeps nothing on disk, and removes its folder on stop', async () => {
    const redis = await start();
    const folder = await setting(redis, 'dir');

    expect(await setting(redis, 'save')).toBe('');
    expect(await setting(redis, 'appendonly')).toBe('no');
    expect(existsSync(folder)).toBe(true);

    await redis.stop();
    expect(existsSync(folder)).toBe(false);
  });

  it('passes further settings to Redis', async () => {
    expect(await setting(await start({ args: ['--maxmemory', '1mb'] }), 'maxmemory')).toBe('1048576');
  });

  it('takes a given port, and refuses one that is in use', async () => {
    const { port, stop } = await start();
    await expect(start({ port })).rejects.toThrow(`port ${port} is in use`);
    await stop();

    expect(await ask(await start({ port }), 'PING')).toBe('PONG');
  });

  it('reports the process id of Redis', async () => {
    const redis = await start();

    expect(await ask(redis, 'INFO', 'server')).toContain(`process_id:${redis.pid}\r\n`);
  });

  it('rejects if Redis does not accept a setting', async () => {
    await expect(start({ args: ['--no-such-setting', 'yes'] })).rejects.toThrow('Redis did not start');
  });

  it('says what to do if there is no redis-server', async () => {
    process.env = { PATH: '', XDG_CACHE_HOME: '/nonexistent' };

    await expect(start()).rejects.toThrow('Install Redis, or set REDIS_SERVER_PATH');
  });

  it('refuses a REDIS_SERVER_PATH that is no executable file', async () => {
    process.env.REDIS_SERVER_PATH = '/nonexistent/redis-server';

    await expect(start()).rejects.toThrow("REDIS_SERVER_PATH is '/nonexistent/redis-server'");
  });

  it('leaves no Redis behind when its process is killed', async () => {
    await withKilledParent('startRedis', async (redis) => {
      await expect(
        waitUntil('Redis has ended', [redis], async () => !(await isReachable(redis))),
      ).resolves.toBeUndefined();
    });
  });
});
