import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type * as testing from '../src';

type Starter = 'startRedis' | 'startRedisSentinel' | 'startTemporal';
type Started<S extends Starter> = Omit<Awaited<ReturnType<(typeof testing)[S]>>, 'stop'>;

/**
 * Starts a server in a separate process, kills that process by SIGKILL, and calls `check` with the server's data. Then
 * removes the files that the killed process could not remove.
 */
export async function withKilledParent<S extends Starter>(
  starter: S,
  check: (server: Started<S>) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'killed-parent-'));
  try {
    await check(await startAndKill(starter, folder));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function startAndKill<S extends Starter>(starter: S, folder: string): Promise<Started<S>> {
  // The process uses the built package, because it can't run the sources without Jest.
  const script = `const testing = require(${JSON.stringify(join(__dirname, '..'))});
    testing.${starter}().then((server) => console.log(JSON.stringify(server)));`;
  const parent = spawn(process.execPath, ['-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: folder },
  });
  const lines = createInterface({ input: parent.stdout });
  const [line] = (await Promise.race([once(lines, 'line'), once(lines, 'close')])) as [string | undefined];
  if (line === undefined) throw new Error(`${starter} failed in its own process`);
  const ended = once(parent, 'exit');
  parent.kill('SIGKILL');
  await ended;
  return JSON.parse(line) as Started<S>;
}
