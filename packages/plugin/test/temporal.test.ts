import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { createPayloadHandler } from '@temporal-redis-storage/codec-server';
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import { NodeRedisStorageDriverClient } from '@temporal-redis-storage/node-redis';
import { startRedis, startTemporal, type RunningRedis, type RunningTemporal } from '@temporal-redis-storage/testing';
import { Client, Connection, type ClientOptions } from '@temporalio/client';
import { ExternalStorage, type Payload } from '@temporalio/common';
import { S3StorageDriver } from '@temporalio/external-storage-s3';
import { AwsSdkS3StorageDriverClient } from '@temporalio/external-storage-s3-aws-sdk';
import { SimplePlugin } from '@temporalio/plugin';
import {
  bundleWorkflowCode,
  DefaultLogger,
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  Worker,
  type WorkerOptions,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { createClient } from 'redis';
import S3rver from 's3rver';
import { RedisStoragePlugin } from '../src';
import { passOn } from './workflows';

jest.setTimeout(120_000);

const BUCKET = 'payloads';
const THRESHOLD = 1000;
/** What the SDK logs as errors. */
const logged: string[] = [];
const logger = new DefaultLogger('ERROR', ({ message, meta }) => logged.push(`${message}: ${String(meta?.['error'])}`));
const closers: (() => unknown)[] = [];

let temporal: RunningTemporal;
let redisServer: RunningRedis;
let redis: ReturnType<typeof createClient>;
let s3: S3Client;
let workflowBundle: WorkflowBundleWithSourceMap;

beforeAll(async () => {
  Runtime.install({
    logger,
    telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
  });
  closers.push(() => Runtime.instance().shutdown());
  temporal = await startTemporal();
  closers.push(() => temporal.stop());
  redisServer = await startRedis();
  closers.push(() => redisServer.stop());
  redis = createClient({ url: redisServer.url });
  await redis.connect();
  closers.push(() => redis.destroy());
  s3 = await startS3();
  workflowBundle = await bundleWorkflowCode({
    workflowsPath: require.resolve('./workflows'),
    logger,
    plugins: [createPlugin()],
  });
});

afterAll(async () => {
  for (const close of closers.toReversed()) await close();
});

afterEach(() => {
  if (logged.length > 0) throw new Error(logged.splice(0).join('\n'));
});

/** The SDK's own driver needs an S3-compatible server. */
async function startS3(): Promise<S3Client> {
  const directory = await mkdtemp(join(tmpdir(), 's3-'));
  closers.push(() => rm(directory, { recursive: true, force: true }));
  const configureBuckets = [{ name: BUCKET, configs: [] }];
  const server = new S3rver({ address: '127.0.0.1', port: 0, silent: true, directory, configureBuckets });
  const { port } = await server.run();
  closers.push(() => server.close());
  // It would log in each run how long it will run on this Node.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  const client = new S3Client({
    endpoint: `http://127.0.0.1:${port}`,
    forcePathStyle: true,
    region: 'us-east-1',
    credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
  });
  closers.push(() => client.destroy());
  return client;
}

function createS3Storage(): ExternalStorage {
  const driver = new S3StorageDriver({ client: new AwsSdkS3StorageDriverClient(s3), bucket: BUCKET });
  return new ExternalStorage({ drivers: [driver], payloadSizeThreshold: THRESHOLD });
}

function createPlugin(keyPrefix: string = randomUUID()): RedisStoragePlugin {
  const driver = new RedisStorageDriver({ client: new NodeRedisStorageDriverClient(redis), keyPrefix });
  return new RedisStoragePlugin({ driver, payloadSizeThreshold: THRESHOLD });
}

async function connect(plugins: RedisStoragePlugin[] = []): Promise<[Connection, NativeConnection]> {
  const connection = await Connection.connect({ address: temporal.address, plugins });
  closers.push(() => connection.close());
  const nativeConnection = await NativeConnection.connect({ address: temporal.address, plugins });
  closers.push(() => nativeConnection.close());
  return [connection, nativeConnection];
}

/** Starts a workflow with a large input, runs it on a worker, and returns its handle once it has passed the input on. */
async function runWorkflow(clientOptions: ClientOptions, workerOptions: Partial<WorkerOptions>) {
  const taskQueue = randomUUID();
  const client = new Client({ namespace: temporal.namespace, ...clientOptions });
  const worker = await Worker.create({
    namespace: temporal.namespace,
    taskQueue,
    workflowBundle,
    activities: { repeat: async (text: string) => text },
    ...workerOptions,
  });
  const input = randomBytes(THRESHOLD).toString('hex');
  const handle = await client.workflow.start(passOn, { workflowId: randomUUID(), taskQueue, args: [input] });
  expect(await worker.runUntil(handle.result())).toBe(input);
  return { client, handle, input };
}

/** The names of the drivers that the references of a history carry, and 'inline' for every other payload. */
function listDrivers(history: object): string[] {
  const drivers: string[] = [];
  // Protobuf's own JSON has base64 in the place of bytes.
  JSON.stringify(history, (_name, value: unknown) => {
    const { payloads } = (value ?? {}) as { payloads?: { metadata?: Record<string, string>; data?: string }[] };
    for (const { metadata, data } of payloads ?? []) {
      const isReference = fromBase64(metadata?.['messageType']).endsWith('.ExternalStorageReference');
      drivers.push(isReference ? (JSON.parse(fromBase64(data)) as { driverName: string }).driverName : 'inline');
    }
    return value;
  });
  return drivers;
}

function fromBase64(text: string | undefined): string {
  return Buffer.from(text ?? '', 'base64').toString();
}

async function countKeys(prefix: string): Promise<number> {
  return (await redis.keys(`${prefix}:*`)).length;
}

const FOUR_IN_REDIS = ['redis', 'redis', 'redis', 'redis'];

describe('RedisStoragePlugin', () => {
  it('keeps large payloads in Redis when it is given to client and worker', async () => {
    const [connection, nativeConnection] = await connect();
    const prefix = randomUUID();
    const { handle } = await runWorkflow(
      { connection, plugins: [createPlugin(prefix)] },
      { connection: nativeConnection, plugins: [createPlugin(prefix)] },
    );
    expect(listDrivers(await handle.fetchHistory())).toEqual(FOUR_IN_REDIS);
    expect(await countKeys(prefix)).toBeGreaterThan(0);
  });

  it('keeps large payloads in Redis when it is given to the connections alone', async () => {
    const plugin = createPlugin();
    const [connection, nativeConnection] = await connect([plugin]);
    const { handle } = await runWorkflow({ connection }, { connection: nativeConnection });
    expect(listDrivers(await handle.fetchHistory())).toEqual(FOUR_IN_REDIS);
  });

  it('does its work once when connections, client and worker all have it', async () => {
    const plugin = createPlugin();
    const [connection, nativeConnection] = await connect([plugin]);
    const { client, handle } = await runWorkflow(
      { connection, plugins: [plugin] },
      { connection: nativeConnection, plugins: [plugin] },
    );
    expect(listDrivers(await handle.fetchHistory())).toEqual(FOUR_IN_REDIS);
    expect(client.options.loadedDataConverter.externalStorage?.drivers).toHaveLength(1);
  });

  it('replays a history from Redis, and cannot without', async () => {
    const plugin = createPlugin();
    const [connection, nativeConnection] = await connect([plugin]);
    const { handle } = await runWorkflow({ connection }, { connection: nativeConnection });
    const history = await handle.fetchHistory();
    await expect(Worker.runReplayHistory({ workflowBundle, plugins: [plugin] }, history)).resolves.toBeUndefined();
    await expect(Worker.runReplayHistory({ workflowBundle }, history)).rejects.toThrow('external storage is not');
    expect(logged.splice(0)).toEqual([expect.stringContaining('external storage is not configured')]);
  });

  it('works beside another plugin, before and after it, and leaves its codecs in place', async () => {
    const [connection, nativeConnection] = await connect();
    for (const isFirst of [true, false]) {
      const reverse = async (payloads: Payload[]): Promise<Payload[]> =>
        payloads.map((payload) => ({ ...payload, data: Uint8Array.from(payload.data!).toReversed() }));
      const codec = { encode: jest.fn(reverse), decode: jest.fn(reverse) };
      const other = new SimplePlugin({ name: 'other', dataConverter: { payloadCodecs: [codec] } });
      const plugins = isFirst ? [createPlugin(), other] : [other, createPlugin()];
      const { handle, input } = await runWorkflow(
        { connection, plugins },
        { connection: nativeConnection, plugins: plugins },
      );
      expect(codec.encode).toHaveBeenCalled();
      expect(codec.decode).toHaveBeenCalled();
      expect(listDrivers(await handle.fetchHistory())).toEqual(FOUR_IN_REDIS);
      expect(await handle.result()).toBe(input);
    }
  });

  it('leaves an S3 driver that is there registered, whose old claims stay readable', async () => {
    const [connection, nativeConnection] = await connect();
    const dataConverter = { externalStorage: createS3Storage() };
    const old = await runWorkflow({ connection, dataConverter }, { connection: nativeConnection, dataConverter });
    const oldHistory = await old.handle.fetchHistory();
    expect(listDrivers(oldHistory)).toEqual(Array(4).fill('aws.s3driver'));

    const plugins = [createPlugin()];
    const { client, handle } = await runWorkflow(
      { connection, dataConverter, plugins },
      { connection: nativeConnection, dataConverter, plugins },
    );
    expect(listDrivers(await handle.fetchHistory())).toEqual(FOUR_IN_REDIS);
    expect(await client.workflow.getHandle(old.handle.workflowId).result()).toBe(old.input);
    await expect(
      Worker.runReplayHistory({ workflowBundle, dataConverter, plugins }, oldHistory),
    ).resolves.toBeUndefined();
  });

  it('gives the codec server the data converter of the client, by either way', async () => {
    const plugin = createPlugin();
    const [connection, nativeConnection] = await connect([plugin]);
    const { client, handle, input } = await runWorkflow({ connection }, { connection: nativeConnection });
    const { events } = await handle.fetchHistory();
    const payload = events![0]!.workflowExecutionStartedEventAttributes!.input!.payloads![0]!;
    for (const dataConverter of [client.options.loadedDataConverter, plugin.configureDataConverter()]) {
      const handler = createPayloadHandler({ dataConverter });
      const metadata = Object.fromEntries(
        Object.entries(payload.metadata!).map(([name, value]) => [name, Buffer.from(value).toString('base64')]),
      );
      const body = JSON.stringify({ payloads: [{ metadata, data: Buffer.from(payload.data!).toString('base64') }] });
      const response = await handler(new Request('http://localhost/download', { method: 'POST', body }));
      const { payloads } = (await response.json()) as { payloads: { data: string }[] };
      expect(JSON.parse(Buffer.from(payloads[0]!.data, 'base64').toString())).toBe(input);
    }
  });
});
