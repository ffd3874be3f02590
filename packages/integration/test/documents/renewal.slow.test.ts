import { spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection, ScheduleNotFoundError, type ScheduleHandle } from '@temporalio/client';
import { transform } from 'esbuild';
import { createClient } from 'redis';
import { ExternalStorage } from '@temporalio/common';
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import { NodeRedisStorageDriverClient } from '@temporal-redis-storage/node-redis';
import { startRedis, startTemporal, type RunningRedis, type RunningTemporal } from '@temporal-redis-storage/testing';
import { waitUntil } from '../../../testing/src/wait-until';
import { ROOT } from '../workspace';
import { findCodeBlocks } from './documents';

jest.setTimeout(300_000);

const DAY_MS = 86_400_000;
const BLOCKS = findCodeBlocks('docs/operations.md');

// This folder resolves every package that the blocks import.
mkdirSync(join(ROOT, 'packages/integration/lib'), { recursive: true });
const folder = mkdtempSync(join(ROOT, 'packages/integration/lib/renewal-'));

let redis: RunningRedis;
let temporal: RunningTemporal;
let connection: Connection;
let client: Client;
let storage: Awaited<ReturnType<typeof openRedis>>;
let environment: NodeJS.ProcessEnv;

beforeAll(async () => {
  redis = await startRedis();
  temporal = await startTemporal();
  const { address, namespace } = temporal;
  environment = {
    ...process.env,
    REDIS_URL: redis.url,
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
    PATH: `${join(folder, 'bin')}:${process.env['PATH']}`,
  };
  connection = await Connection.connect({ address });
  storage = await openRedis();
  const driver = new RedisStorageDriver({ client: new NodeRedisStorageDriverClient(storage), ttl: '5 days' });
  const dataConverter = { externalStorage: new ExternalStorage({ drivers: [driver], payloadSizeThreshold: 1024 }) };
  client = new Client({ connection, namespace, dataConverter });
});

afterAll(async () => {
  storage?.destroy();
  await connection?.close();
  await temporal?.stop();
  await redis?.stop();
  rmSync(folder, { recursive: true });
});

async function openRedis() {
  return createClient({ url: redis.url }).connect();
}

/** Starts a workflow that stays open, and answers the key of its input, which expires in five days. */
async function startOpenWorkflow(): Promise<string> {
  const workflowId = `w-${randomUUID()}`;
  await client.workflow.start('never', {
    workflowId,
    taskQueue: 'nobody',
    args: [randomBytes(1000).toString('hex')],
  });
  const [key] = await storage.keys(`*:wi:${workflowId}:*`);
  await waitUntil('visibility lists the workflow', [workflowId], async (id) => {
    return (await client.workflow.count(`WorkflowId = "${id}"`)).count === 1;
  });
  return key!;
}

async function isRenewed(key: string): Promise<boolean> {
  return (await storage.pTTL(key)) > 29 * DAY_MS;
}

/** Runs a shell command in the environment of the servers, in which the command line is installed. */
async function runShell(command: string): Promise<number | null> {
  const program = join(ROOT, 'packages/cli/lib/main.js');
  mkdirSync(join(folder, 'bin'), { recursive: true });
  const script = `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`;
  await writeFile(join(folder, 'bin/temporal-redis-storage'), script, { mode: 0o755 });
  const child = spawn('sh', ['-c', command], { env: environment, stdio: ['ignore', 'ignore', 'inherit'] });
  const [status] = (await once(child, 'exit')) as [number | null];
  return status;
}

it('the documented Schedule renews payloads, and can be started again', async () => {
  for (const { code } of BLOCKS) {
    const name = /^\/\/ (renew-\w+)\.mts\n/.exec(code)?.[1];
    if (name === undefined) continue;
    const { code: script } = await transform(code, { loader: 'ts', format: 'esm' });
    await writeFile(join(folder, `${name}.mjs`), script);
  }
  const key = await startOpenWorkflow();
  const schedule = client.schedule.getHandle('renew-payloads');

  for (let start = 1; start <= 2; start += 1) {
    const worker = spawn(process.execPath, [join(folder, 'renew-worker.mjs')], { env: environment, stdio: 'ignore' });
    const exited = once(worker, 'exit');
    await storage.pExpire(key, 5 * DAY_MS);
    try {
      await waitUntil('the Schedule exists', [schedule], async () => exists(schedule));
      await schedule.trigger();
      await waitUntil('the payload is renewed', [key], isRenewed);
      await waitUntil(
        'the Schedule lists the run',
        [schedule],
        async () => (await listRuns(schedule)).length === start,
      );
      const workflowId = (await listRuns(schedule)).at(-1)!;
      await expect(client.workflow.result(workflowId)).resolves.toMatchObject({ extended: 1, unanswered: 0 });
    } finally {
      worker.kill('SIGTERM');
      await exited;
    }
  }
  await schedule.delete();
});

/** The workflow ids of the runs that a Schedule has started, the latest last. */
async function listRuns(schedule: ScheduleHandle): Promise<string[]> {
  const { recentActions } = (await schedule.describe()).info;
  return recentActions.map(({ action }) => action.workflow.workflowId);
}

async function exists(schedule: ScheduleHandle): Promise<boolean> {
  try {
    await schedule.describe();
    return true;
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return false;
    throw error;
  }
}

it('the documented cron job and CronJob renew payloads', async () => {
  const cron = /^[\d */]+REDIS_URL=\S+ TEMPORAL_NAMESPACE=\S+ (.*)$/m.exec(findBlock('REDIS_URL=redis'))![1]!;
  const manifest = findBlock('kind: CronJob');
  const command = [.../command: \[(.*)\]/.exec(manifest)![1]!.matchAll(/'([^']*)'/g)].map(([, word]) => word).join(' ');
  for (const line of [cron, command]) {
    expect(line).toMatch(/^temporal-redis-storage renew /);
    const key = await startOpenWorkflow();
    await expect(runShell(line)).resolves.toBe(0);
    await expect(isRenewed(key)).resolves.toBe(true);
  }
});

function findBlock(text: string): string {
  return BLOCKS.find(({ code }) => code.includes(text))!.code;
}
