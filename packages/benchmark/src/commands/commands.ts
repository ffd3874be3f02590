import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { createClient } from 'redis';
import { startProcess } from '../measure/server-process';
import type { Servers } from '../measure/servers';
import { COMMANDS, type CommandFigures, type CommandLoad, type CommandName } from './command-load';

type Redis = ReturnType<typeof createClient>;

const VALUE = Buffer.alloc(100, 'x');
const DAY_MS = 86_400_000;
const BATCH = 5000;
const STARTS_AT_ONCE = 20;

/** Measures each command on the same keys, all of which expire soon enough for `renew` to look at them. */
export async function measureCommands(
  { redis, temporal }: Pick<Servers, 'redis' | 'temporal'>,
  load: CommandLoad,
): Promise<Record<CommandName, CommandFigures>> {
  const client: Redis = createClient({ url: redis.url });
  await client.connect();
  try {
    await writeKeys(client, temporal.namespace, load);
    await startWorkflows(temporal, load);
    const figures: Partial<Record<CommandName, CommandFigures>> = {};
    for (const command of COMMANDS) {
      console.error(`  ${command}`);
      const child = startProcess('../commands/command-process', { command, redisUrl: redis.url, temporal, ...load });
      const pauseMs = await measurePause(client, child);
      const { result, stop } = await child;
      await stop();
      figures[command] = { ...result, pauseMs, idlePauseMs: await measurePause(client, sleep(result.wallMs)) };
    }
    return figures as Record<CommandName, CommandFigures>;
  } finally {
    await client.flushDb();
    client.destroy();
  }
}

async function writeKeys(client: Redis, namespace: string, { keys, workflows }: CommandLoad): Promise<void> {
  for (let start = 0; start < keys; start += BATCH) {
    const writes = Array.from({ length: Math.min(BATCH, keys - start) }, async (_, offset) => {
      const number = start + offset;
      const digest = createHash('sha256').update(String(number)).digest('hex');
      const target = `ns:${namespace}:wt:order:wi:${buildId(number % workflows)}:ri:null`;
      await client.set(`temporalio:payloads:v0:${target}:d:sha256:${digest}`, VALUE, { PX: 5 * DAY_MS });
    });
    await Promise.all(writes);
  }
}

/** Starts every second workflow, which stays open because it has no worker. Resolves once visibility lists them all. */
async function startWorkflows({ address, namespace }: Servers['temporal'], { workflows }: CommandLoad): Promise<void> {
  const connection = await Connection.connect({ address });
  const { workflowService } = connection;
  const numbers = Array.from({ length: Math.ceil(workflows / 2) }, (_, index) => 2 * index).values();
  const starter = async (): Promise<void> => {
    for (const number of numbers) {
      await workflowService.startWorkflowExecution({
        namespace,
        workflowId: buildId(number),
        workflowType: { name: 'order' },
        taskQueue: { name: 'nobody' },
        requestId: buildId(number),
      });
    }
  };
  try {
    await Promise.all(Array.from({ length: STARTS_AT_ONCE }, starter));
    const query = 'WorkflowType = "order"';
    while (Number((await workflowService.countWorkflowExecutions({ namespace, query })).count) < workflows / 2) {
      await sleep(100);
    }
  } finally {
    await connection.close();
  }
}

function buildId(number: number): string {
  return `order-${number}`;
}

/** The longest round trip of a client that reads a key again and again while `work` lasts. */
async function measurePause(client: Redis, work: Promise<unknown>): Promise<number> {
  const ended = new AbortController();
  const done = work.finally(() => ended.abort());
  // It is awaited below.
  done.catch(() => {});
  let pauseMs = 0;
  while (!ended.signal.aborted) {
    const start = performance.now();
    await client.get('temporalio:payloads:v0:absent');
    pauseMs = Math.max(pauseMs, performance.now() - start);
    await sleep(1);
  }
  await done;
  return pauseMs;
}
