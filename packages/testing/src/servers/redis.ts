import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RedisMemoryServer } from 'redis-memory-server';
import type { Running } from './start-together';
import { findFreePort, retryTakenPort } from './port';
import { requireRedisServer } from './redis-server';

/** The address of a Redis. */
export interface RedisAddress {
  host: string;
  port: number;
}

/** A running Redis. `stop` also removes its files. */
export interface RunningRedis extends RedisAddress, Running {
  url: string;
  pid: number;
}

/** Options of {@link startRedis}. */
export interface RedisOptions {
  /** More arguments for redis-server, for example `['--maxmemory', '1mb']`. */
  args?: string[];
  /** Defaults to a free port. */
  port?: number;
}

const HOST = '127.0.0.1';

/**
 * Starts a temporary Redis on the loopback interface, without persistence unless `args` enable it. If this process is
 * killed, the Redis ends within a few seconds.
 */
export async function startRedis({ args = [], port }: RedisOptions = {}): Promise<RunningRedis> {
  return port === undefined ? retryTakenPort(async () => start(await findFreePort(), args)) : start(port, args);
}

async function start(port: number, args: string[]): Promise<RunningRedis> {
  const systemBinary = requireRedisServer();
  const folder = await mkdtemp(join(tmpdir(), 'redis-'));
  const server = new RedisMemoryServer({
    // The port is an argument, because the library refuses a port that it has just used.
    instance: { ip: HOST, args: ['--port', String(port), '--dir', folder, ...args] },
    binary: { systemBinary },
    // Redis reports wrong settings on stderr, and everything else on stdout, which the library reads.
    spawn: { stdio: ['ignore', 'pipe', 'inherit'] },
  });
  try {
    await server.start();
  } catch (cause) {
    await remove(folder);
    const reason = String(cause).includes('in use') ? `port ${port} is in use` : String(cause);
    throw new Error(`Redis did not start: ${reason}`, { cause });
  }
  const { instance } = await server.ensureInstance();
  const stop = async (): Promise<void> => {
    await server.stop();
    await remove(folder);
  };
  return { host: HOST, port, url: `redis://${HOST}:${port}`, pid: instance.getPid()!, stop };
}

async function remove(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}
