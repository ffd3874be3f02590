import { measureUsage, renewPayloads } from '@temporal-redis-storage/cli';
import { serve } from '../measure/server-process';
import type { CommandRun } from './command-load';

/** Runs a command in a process of its own, as the command line does. */
serve<'../commands/command-process'>(async (run) => {
  const start = performance.now();
  await runCommand(run);
  const wallMs = performance.now() - start;
  const { user, system } = process.cpuUsage();
  return { wallMs, cpuMs: (user + system) / 1000, memory: process.resourceUsage().maxRSS * 1024 };
});

/** Rejects if the command has not done its work. */
async function runCommand({ command, redisUrl, temporal, keys, workflows }: CommandRun): Promise<void> {
  if (command === 'usage') {
    const usage = await measureUsage({ redisUrl });
    if (usage.keys !== keys) throw new Error(`usage counted ${usage.keys} keys of ${keys}`);
    return;
  }
  const { address, namespace } = temporal;
  const { extended, left, unanswered } = await renewPayloads({ redisUrl, address, namespace, ttl: '30 days' });
  const expected = (keys / workflows) * Math.floor(workflows / 2);
  if (extended !== keys - expected || left !== expected || unanswered !== 0) {
    throw new Error(`renew extended ${extended}, left ${left} and could not ask about ${unanswered} of ${keys} keys`);
  }
}
