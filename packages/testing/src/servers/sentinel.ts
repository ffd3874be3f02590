import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Running } from './start-together';
import { findFreePort } from './port';
import { startProcess } from './process';
import type { RedisAddress } from './redis';
import { requireRedisServer } from './redis-server';

/** A running sentinel. */
export interface RunningSentinel extends RedisAddress, Running {}

const HOST = '127.0.0.1';
const QUORUM = 2;

/** Starts a sentinel. redis-memory-server can't, because a sentinel keeps its settings in a file. */
export async function startSentinel(name: string, master: RedisAddress): Promise<RunningSentinel> {
  const port = await findFreePort();
  const folder = await mkdtemp(join(tmpdir(), 'redis-sentinel-'));
  const file = join(folder, 'sentinel.conf');
  const settings = [
    `bind ${HOST}`,
    `port ${port}`,
    `dir ${folder}`,
    `sentinel monitor ${name} ${master.host} ${master.port} ${QUORUM}`,
    `sentinel down-after-milliseconds ${name} 3000`,
    `sentinel failover-timeout ${name} 10000`,
  ];
  const removeFolder = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    await writeFile(file, settings.join('\n'));
    const { child, ended } = await startProcess(requireRedisServer(), [file, '--sentinel'], /\+monitor/);
    const watchdog = startWatchdog(child);
    const stop = async (): Promise<void> => {
      child.kill('SIGKILL');
      watchdog.kill();
      await ended;
      await removeFolder();
    };
    return { host: HOST, port, stop };
  } catch (error) {
    await removeFolder();
    throw error;
  }
}

/** Starts redis-memory-server's watchdog, which ends the child if this process is killed. */
function startWatchdog(child: ChildProcess): ChildProcess {
  const script = require.resolve('redis-memory-server/scripts/redis_killer.js');
  return spawn(process.execPath, [script, String(process.pid), String(child.pid)], { stdio: 'ignore' });
}
