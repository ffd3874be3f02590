import { randomUUID } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { ExternalStorage } from '@temporalio/common';
import {
  bundleWorkflowCode,
  DefaultLogger,
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  Worker,
} from '@temporalio/worker';
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import { delay, hold, pass, reset, startFaultProxy, throttle, type FaultProxy } from '@temporal-redis-storage/testing';
import { openIoredis, openNodeRedis, openUpstash, type Library } from '../measure/libraries';
import { createContext, MIB } from '../measure/loads';
import { startServers, type Servers } from '../measure/servers';
import type { reverseMixedSizes, SoakActivities } from './soak-workflows';
import { findGrowth, type Sample } from './trend';

/** How long the load runs before each sample of the idle process. */
const CYCLE_MS = 10_000;
const SIZES = [100, 10_000, 300_000, MIB, 5 * MIB];

/** A worker, a client and a driver that reach Redis through one adapter and one fault proxy. */
interface Session {
  driver: RedisStorageDriver;
  proxy: FaultProxy;
  runWorkflow(): Promise<void>;
  close(): Promise<void>;
}

const counts = { workflows: 0, calls: 0, failedCalls: 0, abortedCalls: 0, faults: 0 };
// One signal for the whole run, like the signal of a worker.
const { signal } = new AbortController();

async function main(): Promise<void> {
  const durationMs = parseDuration(process.argv[2]);
  const logger = new DefaultLogger('ERROR', () => {});
  Runtime.install({
    logger,
    telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
  });
  const servers = await startServers();
  const sessions: Session[] = [];
  try {
    const workflowBundle = await bundleWorkflowCode({ workflowsPath: require.resolve('./soak-workflows'), logger });
    for (const connect of [connectNodeRedis, connectIoredis, connectUpstash])
      sessions.push(await openSession(servers, connect, workflowBundle));
    const samples: Sample[] = [];
    for (const end = Date.now() + durationMs; Date.now() < end || samples.length < 3;) {
      await Promise.all(sessions.map(runLoad));
      samples.push(await sampleIdleProcess());
      console.log(JSON.stringify({ ...counts, ...samples.at(-1) }));
    }
    const growth = findGrowth(samples);
    if (growth.length > 0) throw new Error(`The idle process grew: ${growth.join(', ')}`);
    console.log('The idle process did not grow');
  } finally {
    for (const session of sessions) await session.close();
    await servers.stop();
    await Runtime.instance().shutdown();
  }
}

function parseDuration(argument = '5m'): number {
  const [, number, unit] = /^(\d+)([mh])$/.exec(argument) ?? [];
  if (number === undefined)
    throw new Error(`The duration must be minutes or hours, such as 5m or 1h, got '${argument}'`);
  return Number(number) * (unit === 'h' ? 3_600_000 : 60_000);
}

type Connect = (servers: Servers) => Promise<{ proxy: FaultProxy; library: Library }>;

const connectNodeRedis: Connect = async ({ redis }) => {
  const proxy = await startFaultProxy(redis);
  return { proxy, library: await openNodeRedis(`redis://${proxy.host}:${proxy.port}`) };
};

const connectIoredis: Connect = async ({ redis }) => {
  const proxy = await startFaultProxy(redis);
  return { proxy, library: openIoredis(`redis://${proxy.host}:${proxy.port}`) };
};

const connectUpstash: Connect = async ({ upstash: { url, token } }) => {
  const { hostname, port } = new URL(url);
  const proxy = await startFaultProxy({ host: hostname, port: Number(port) });
  return { proxy, library: openUpstash({ url: `http://${proxy.host}:${proxy.port}`, token }) };
};

async function openSession(
  servers: Servers,
  connect: Connect,
  workflowBundle: Awaited<ReturnType<typeof bundleWorkflowCode>>,
): Promise<Session> {
  const { proxy, library } = await connect(servers);
  const { address, namespace } = servers.temporal;
  // The request timeout is shorter than the longest faults.
  const driver = new RedisStorageDriver({ client: library.adapter, ttl: '2 minutes', requestTimeout: '2 seconds' });
  const dataConverter = { externalStorage: new ExternalStorage({ drivers: [driver], payloadSizeThreshold: 1000 }) };
  const taskQueue = randomUUID();
  const nativeConnection = await NativeConnection.connect({ address });
  const activities: SoakActivities = { reverse: async (bytes) => bytes.toReversed() };
  const worker = await Worker.create({
    connection: nativeConnection,
    namespace,
    taskQueue,
    workflowBundle,
    activities,
    dataConverter,
    maxCachedWorkflows: 20,
  });
  const running = worker.run();
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace, dataConverter });
  return {
    driver,
    proxy,
    async runWorkflow() {
      const sizes = SIZES.toSorted(() => Math.random() - 0.5).slice(0, 3);
      const options = { workflowId: randomUUID(), taskQueue, args: [sizes] as [number[]] };
      const bytes = await client.workflow.execute<typeof reverseMixedSizes>('reverseMixedSizes', {
        ...options,
        workflowTaskTimeout: '3 seconds',
      });
      const expected = sizes.reduce((sum, size) => sum + size, 0);
      if (bytes !== expected) throw new Error(`The activities returned ${bytes} of ${expected} bytes`);
      counts.workflows++;
    },
    async close() {
      worker.shutdown();
      await running;
      await connection.close();
      await nativeConnection.close();
      library.close();
      await proxy.stop();
    },
  };
}

/** Runs workflows, driver calls and faults concurrently for one cycle. Resolves once all calls have settled. */
async function runLoad(session: Session): Promise<void> {
  const end = Date.now() + CYCLE_MS;
  const repeat = async (work: () => Promise<void>): Promise<void> => {
    while (Date.now() < end) await work();
  };
  await Promise.all([
    repeat(() => session.runWorkflow()),
    repeat(() => session.runWorkflow()),
    repeat(() => runCall(session)),
    repeat(() => injectFaults(session.proxy)),
  ]);
}

/** Stores and reads a batch of mixed payloads. The calls may fail or be aborted, but must not return wrong bytes. */
async function runCall({ driver }: Session): Promise<void> {
  const controller = new AbortController();
  const abortSignal = Math.random() < 0.2 ? controller.signal : signal;
  const timer = setTimeout(() => controller.abort(), 20);
  const payloads = Array.from({ length: 20 }, (_, index) => ({ data: Buffer.alloc(1 + (index % 5) * 100_000, index) }));
  counts.calls++;
  try {
    const claims = await driver.store({ ...createContext(), abortSignal }, payloads);
    const back = await driver.retrieve({ abortSignal }, claims);
    if (!back.every(({ data }, index) => payloads[index]!.data.equals(data!)))
      throw new Error('The driver returned changed payloads');
  } catch (error) {
    if (error === controller.signal.reason) counts.abortedCalls++;
    else if ((error as Error).name === 'RedisStorageDriverError') counts.failedCalls++;
    else throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function injectFaults(proxy: FaultProxy): Promise<void> {
  const faults = [reset, hold, delay(50), throttle(20 * MIB)];
  const direction = Math.random() < 0.5 ? 'toServer' : 'toClient';
  proxy[direction] = faults[Math.floor(Math.random() * faults.length)]!;
  await sleep(Math.random() < 0.2 ? 3000 : 500);
  proxy[direction] = pass;
  counts.faults++;
  await sleep(1000);
}

async function sampleIdleProcess(): Promise<Sample> {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('The soak needs node --expose-gc');
  // Idle HTTP connections close within these five seconds.
  for (let i = 0; i < 5; i++) {
    await sleep(1000);
    gc();
  }
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  return {
    heapMiB: heapUsed / MIB,
    buffersMiB: arrayBuffers / MIB,
    rssMiB: rss / MIB,
    resources: process.getActiveResourcesInfo().length,
    listeners: getEventListeners(signal, 'abort').length,
  };
}

main().then(
  () => process.exit(),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
