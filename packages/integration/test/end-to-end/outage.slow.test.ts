import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { ExternalStorage, type DataConverter } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import {
  bundleWorkflowCode,
  DefaultLogger,
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  Worker,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import { startFaultProxy, type FaultProxy } from '../../../testing/src/faults/fault-proxy';
import { pass, reset } from '../../../testing/src/faults/faults';
import type { RedisAddress } from '../../../testing/src/servers/redis';
import { startTemporal, type RunningTemporal } from '../../../testing/src/servers/temporal';
import { startUpstash, type UpstashServer } from '../../../testing/src/upstash/server';
import { DurableRedis } from '../faults/durable-redis';
import { SHAPES, type OpenClient } from '../client-shapes';
import { add, append, collect, type Collected, type Expected, type OutageActivities } from './outage-workflows';

const OUTAGE_MS = 10_000;
const WORKFLOWS = 5;
/** Number of activities, of signals and of updates of each workflow. */
const MESSAGES = 8;
const LIBRARIES = ['node-redis', 'ioredis', 'Upstash, @upstash/redis client'];

const logger = new DefaultLogger('ERROR', () => {});
let server: RunningTemporal;
let workflowBundle: WorkflowBundleWithSourceMap;
let nativeConnection: NativeConnection;
let connection: Connection;

jest.setTimeout(180_000);

beforeAll(async () => {
  Runtime.install({
    logger,
    telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
  });
  server = await startTemporal();
  workflowBundle = await bundleWorkflowCode({ workflowsPath: require.resolve('./outage-workflows'), logger });
  nativeConnection = await NativeConnection.connect({ address: server.address });
  connection = await Connection.connect({ address: server.address });
});

afterAll(async () => {
  await connection?.close();
  await nativeConnection?.close();
  await Runtime.instance().shutdown();
  await server?.stop();
});

/** A data converter that reaches Redis through its own fault proxy. */
interface Session {
  proxy: FaultProxy;
  dataConverter: DataConverter;
}

/** A Redis, and the sessions of a worker and a client. */
class OutageFixture {
  readonly redis: Promise<DurableRedis> = DurableRedis.create('single');
  worker!: Session;
  client!: Session;
  private readonly cleanUps: (() => unknown)[] = [];

  async open(library: string): Promise<this> {
    const redis = await this.redis;
    this.cleanUps.unshift(() => redis.remove());
    const { host, port } = await redis.start();
    const upstash = await startUpstash({ redis: { host, port } });
    this.cleanUps.unshift(() => upstash.stop());
    [this.worker, this.client] = [
      await this.openSession(library, { host, port }, upstash),
      await this.openSession(library, { host, port }, upstash),
    ];
    return this;
  }

  async close(): Promise<void> {
    for (const cleanUp of this.cleanUps) await cleanUp();
  }

  private async openSession(library: string, redis: RedisAddress, upstash: UpstashServer): Promise<Session> {
    const overHttp = library.startsWith('Upstash');
    const { hostname, port } = new URL(upstash.url);
    const proxy = await startFaultProxy(overHttp ? { host: hostname, port: Number(port) } : redis);
    this.cleanUps.unshift(() => proxy.stop());
    const url = `http://${proxy.host}:${proxy.port}`;
    const opened: OpenClient = SHAPES[library]!({
      host: proxy.host,
      port: proxy.port,
      upstash: { url, token: upstash.token },
    });
    this.cleanUps.unshift(() => opened.close());
    await opened.connected;
    const driver = new RedisStorageDriver({ client: opened.client, requestTimeout: '3 seconds' });
    const externalStorage = new ExternalStorage({ drivers: [driver], payloadSizeThreshold: 1024 });
    return { proxy, dataConverter: { externalStorage } };
  }
}

/** Outages of ten seconds. Each resolves once the outage is over. */
const OUTAGES: Record<string, (fixture: OutageFixture) => Promise<void>> = {
  'the worker loses Redis': ({ worker }) => interrupt(worker.proxy),
  'the client loses Redis': ({ client }) => interrupt(client.proxy),
  async 'Redis is killed'(fixture) {
    const redis = await fixture.redis;
    redis.kill();
    await sleep(OUTAGE_MS);
    await redis.start();
  },
};

async function interrupt(proxy: FaultProxy): Promise<void> {
  proxy.toServer = reset;
  for (const link of proxy.links) link.reset();
  await sleep(OUTAGE_MS);
  proxy.toServer = pass;
}

const createText = (label: string): string => `${label} ${randomBytes(5000).toString('hex')}`;

/** Repeats a call until it succeeds, and returns the number of failures. */
async function retryUntilSuccess(call: () => Promise<unknown>): Promise<number> {
  for (let failures = 0; ; failures++) {
    try {
      await call();
      return failures;
    } catch (error) {
      if (failures >= 200) throw error;
      await sleep(200);
    }
  }
}

/** Runs one workflow with a signal and an update every 1.5 seconds. Returns the number of failed calls and tasks. */
async function runWorkflow(client: Client, taskQueue: string): Promise<number> {
  const workflowId = randomUUID();
  const sent = {
    activities: Array.from({ length: MESSAGES }, () => createText('activity')),
    signals: Array.from({ length: MESSAGES }, () => createText('signal')),
    updates: Array.from({ length: MESSAGES }, () => createText('update')),
  };
  const expected: Expected = { ...sent, signals: MESSAGES, updates: MESSAGES };
  let failures = await retryUntilSuccess(() =>
    client.workflow.start(collect, {
      workflowId,
      taskQueue,
      args: [expected],
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowTaskTimeout: '5 seconds',
    }),
  );
  const handle = client.workflow.getHandle<typeof collect>(workflowId);
  const messages = sent.signals.map(async (signal, index) => {
    await sleep(index * 1500);
    const update = sent.updates[index]!;
    failures += await retryUntilSuccess(() => handle.signal(add, signal));
    failures += await retryUntilSuccess(async () => {
      const result = await handle.executeUpdate(append, { args: [update], updateId: `update-${index}` });
      if (result !== update) throw new Error('The update returned a wrong result');
    });
  });
  await Promise.all(messages);
  let collected: Collected | undefined;
  failures += await retryUntilSuccess(async () => (collected = await handle.result()));
  expect(collected!.activities).toEqual(sent.activities);
  expect(collected!.signals.toSorted()).toEqual(sent.signals.toSorted());
  expect(collected!.updates.toSorted()).toEqual(sent.updates.toSorted());
  const { events } = await handle.fetchHistory();
  return failures + (events ?? []).filter(isRepetition).length;
}

function isRepetition(event: temporal.api.history.v1.IHistoryEvent): boolean {
  const { workflowTaskFailedEventAttributes, activityTaskStartedEventAttributes } = event;
  return Boolean(workflowTaskFailedEventAttributes) || (activityTaskStartedEventAttributes?.attempt ?? 1) > 1;
}

async function runDuringOutage(library: string, outage: (fixture: OutageFixture) => Promise<void>): Promise<number> {
  const fixture = await new OutageFixture().open(library);
  const taskQueue = randomUUID();
  const activities: OutageActivities = { echo: async (words) => sleep(500).then(() => words) };
  try {
    const { namespace } = server;
    const worker = await Worker.create({
      connection: nativeConnection,
      namespace,
      taskQueue,
      workflowBundle,
      activities,
      dataConverter: fixture.worker.dataConverter,
      // Without a cache, each task reads its whole history, including the payloads in Redis.
      maxCachedWorkflows: 0,
    });
    const client = new Client({ connection, namespace, dataConverter: fixture.client.dataConverter });
    return await worker.runUntil(async () => {
      const workflows = Array.from({ length: WORKFLOWS }, () => runWorkflow(client, taskQueue));
      const outageOver = sleep(3000).then(() => outage(fixture));
      const [failures] = await Promise.all([Promise.all(workflows), outageOver]);
      return failures.reduce((sum, count) => sum + count, 0);
    });
  } finally {
    await fixture.close();
  }
}

describe.each(Object.entries(OUTAGES))('while %s for ten seconds', (_name, outage) => {
  it.each(LIBRARIES)('every workflow completes with the right result: %s', async (library) => {
    const failures = await runDuringOutage(library, outage);
    // The outage affected some calls.
    expect(failures).toBeGreaterThan(0);
  });
});
