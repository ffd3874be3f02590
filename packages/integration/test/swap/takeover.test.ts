import { randomBytes, randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { ExternalStorage, type DataConverter } from '@temporalio/common';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import { startRedis, startTemporal, startUpstash } from '@temporal-redis-storage/testing';
import { waitForValue } from '../end-to-end/harness';
import * as activities from './activities';
import { SHAPES } from '../client-shapes';
import { addition, isWaiting, reverseTwice } from './workflows';

jest.setTimeout(120_000);

const closers: (() => Promise<unknown>)[] = [];

afterAll(async () => {
  for (const close of closers.toReversed()) await close();
});

it('a workflow started over Upstash begins on a worker with ioredis and completes on a worker with node-redis', async () => {
  const logger = new DefaultLogger('ERROR');
  Runtime.install({ logger });
  closers.push(() => Runtime.instance().shutdown());
  const temporal = await startTemporal();
  closers.push(temporal.stop);
  const redis = await startRedis();
  closers.push(redis.stop);
  const upstash = await startUpstash({ redis });
  closers.push(() => upstash.stop());

  const keyPrefix = `test:${randomUUID()}`;
  const createDataConverter = async (shape: string): Promise<DataConverter> => {
    const { client, connected, close } = SHAPES[shape]!({ host: redis.host, port: redis.port, upstash });
    closers.push(async () => close());
    await connected;
    return { externalStorage: new ExternalStorage({ drivers: [new RedisStorageDriver({ client, keyPrefix })] }) };
  };
  const connection = await Connection.connect({ address: temporal.address });
  closers.push(() => connection.close());
  const nativeConnection = await NativeConnection.connect({ address: temporal.address });
  closers.push(() => nativeConnection.close());
  const taskQueue = randomUUID();
  const workflowBundle = await bundleWorkflowCode({ workflowsPath: require.resolve('./workflows'), logger });
  const createWorker = async (shape: string): Promise<Worker> =>
    Worker.create({
      connection: nativeConnection,
      namespace: temporal.namespace,
      taskQueue,
      workflowBundle,
      activities,
      dataConverter: await createDataConverter(shape),
    });

  const client = new Client({
    connection,
    namespace: temporal.namespace,
    dataConverter: await createDataConverter('Upstash, @upstash/redis client'),
  });
  const input = randomBytes(400_000).toString('hex');
  const more = randomBytes(400_000).toString('hex');
  const handle = await client.workflow.start(reverseTwice, { taskQueue, workflowId: randomUUID(), args: [input] });

  const first = await createWorker('ioredis');
  await first.runUntil(waitForValue(async () => (await handle.query(isWaiting)) || undefined));
  await handle.signal(addition, more);
  const second = await createWorker('node-redis');
  const result = await second.runUntil(handle.result());

  expect(result === (await activities.reverse((await activities.reverse(input)) + more))).toBe(true);
  const { events } = await handle.fetchHistory();
  const completions = events?.filter((event) => event.activityTaskCompletedEventAttributes);
  expect(completions).toHaveLength(2);
  expect(Buffer.byteLength(JSON.stringify(events))).toBeLessThan(50_000);
});
