import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'redis';
import { Client, Connection, type WorkflowClientInterceptor } from '@temporalio/client';
import { ExternalStorage, type DataConverter, type PayloadCodec } from '@temporalio/common';
import { google } from '@temporalio/proto';
import {
  bundleWorkflowCode,
  DefaultLogger,
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  Worker,
  type Logger,
  type WorkerOptions,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { RedisStorageDriver, type RedisStorageDriverOptions } from '@temporal-redis-storage/core';
import { NodeRedisStorageDriverClient } from '@temporal-redis-storage/node-redis';
import { startRedis } from '../../../testing/src/servers/redis';
import { startTemporal } from '../../../testing/src/servers/temporal';
import { Keys } from './keys';
import { RecordingClient } from './recording-client';

/** Payloads of this size and more go to Redis. */
export const THRESHOLD = 1024;

/** A string over the threshold that no other call returns. */
export function createLargeText(label: string): string {
  return `${label} – ${randomBytes(THRESHOLD).toString('hex')}`;
}

/** Polls until there is a value, for at most a minute. */
export async function waitForValue<T>(readValue: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const value = await readValue();
    if (value !== undefined) return value;
    if (Date.now() > deadline) throw new Error(`There was no value within a minute: ${String(readValue)}`);
    await sleep(50);
  }
}

type RedisConnection = Awaited<ReturnType<typeof connectToRedis>>;

async function connectToRedis(url: string) {
  const redis = createClient({ url });
  await redis.connect();
  return redis;
}

export interface EnvironmentOptions {
  /** Options of each driver. Defaults to one driver without options. */
  drivers?: Partial<RedisStorageDriverOptions>[];
  storage?: (drivers: RedisStorageDriver[]) => ExternalStorage;
  payloadCodecs?: PayloadCodec[];
}

/** Servers, clients and keys for one test. */
export interface Environment {
  namespace: string;
  /** A task queue that no other test uses. */
  taskQueue: string;
  /** A client that stores payloads in Redis, as the workers do, with a key prefix that no other test uses. */
  client: Client;
  createWorker: (options?: Partial<WorkerOptions>) => Promise<Worker>;
  dataConverter: DataConverter;
  workflowBundle: WorkflowBundleWithSourceMap;
  /** Records the driver's requests to Redis. */
  traffic: RecordingClient;
  redisUrl: string;
  /** A separate connection to Redis for the test. */
  redis: RedisConnection;
  /** Builds the keys that Redis must have. */
  keys: Keys;
  /** The keys that Redis has. */
  storedKeys: () => Promise<Set<string>>;
}

/**
 * Starts a Temporal server and a Redis for the tests of a file, and stops them afterwards. Returns a function that
 * creates the environment of one test.
 */
export function useServers(logger: Logger = new DefaultLogger('ERROR')): (options?: EnvironmentOptions) => Environment {
  jest.setTimeout(120_000);
  const closers: (() => unknown)[] = [];
  const workers: Worker[] = [];
  let createEnvironment: (options: EnvironmentOptions) => Environment;

  beforeAll(async () => {
    Runtime.install({
      logger,
      // The shortest interval, so that the server soon knows the workers.
      workerHeartbeatInterval: '1 second',
      telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
    });
    closers.push(() => Runtime.instance().shutdown());
    const { address, namespace, stop: stopTemporal } = await startTemporal();
    closers.push(stopTemporal);
    const { url, stop: stopRedis } = await startRedis();
    closers.push(stopRedis);
    const redis = await connectToRedis(url);
    closers.push(() => redis.destroy());
    const driverRedis = await connectToRedis(url);
    closers.push(() => driverRedis.destroy());
    const nativeConnection = await NativeConnection.connect({ address });
    closers.push(() => nativeConnection.close());
    const connection = await Connection.connect({ address });
    closers.push(() => connection.close());
    const workflowBundle = await bundleWorkflowCode({ workflowsPath: require.resolve('./workflows'), logger });

    createEnvironment = ({ drivers = [{}], storage = createExternalStorage, payloadCodecs = [] }) => {
      const taskQueue = `queue-${randomUUID()}`;
      const keyPrefix = `test:${randomUUID()}`;
      const traffic = new RecordingClient(new NodeRedisStorageDriverClient(driverRedis));
      const externalStorage = storage(
        drivers.map((options) => new RedisStorageDriver({ client: traffic, keyPrefix, ...options })),
      );
      const dataConverter = { externalStorage, payloadCodecs };
      return {
        namespace,
        taskQueue,
        client: new Client({ connection, namespace, dataConverter, interceptors: { workflow: [executionTimeout] } }),
        createWorker: async (options) => {
          const worker = await Worker.create({
            connection: nativeConnection,
            namespace,
            taskQueue,
            dataConverter,
            shutdownForceTime: '5 seconds',
            ...(options?.workflowsPath === undefined && { workflowBundle }),
            ...options,
          });
          workers.push(worker);
          return worker;
        },
        dataConverter,
        workflowBundle,
        traffic,
        redisUrl: url,
        redis,
        keys: new Keys(keyPrefix, namespace),
        storedKeys: async () => new Set(await redis.keys(`${keyPrefix}:*`)),
      };
    };
  });

  afterEach(async () => {
    for (const worker of workers.splice(0)) await stopWorker(worker);
  });

  afterAll(async () => {
    for (const close of closers.toReversed()) await close();
  });

  return (options = {}) => createEnvironment(options);
}

/**
 * Stops a worker that a failed test left running, because a connection can't be closed before its workers have stopped.
 */
async function stopWorker(worker: Worker): Promise<void> {
  if (worker.getState() === 'INITIALIZED') await worker.runUntil(Promise.resolve());
  if (worker.getState() === 'RUNNING') worker.shutdown();
  await waitForValue(async () => /STOPPED|FAILED/.test(worker.getState()) || undefined);
}

/** Limits the time of each workflow, because a test must not wait for a result longer than its connection is open. */
const executionTimeout: WorkflowClientInterceptor = {
  startWithDetails: (input, next) =>
    next({
      ...input,
      options: { ...input.options, workflowExecutionTimeout: google.protobuf.Duration.fromObject({ seconds: 60 }) },
    }),
};

function createExternalStorage(drivers: RedisStorageDriver[]): ExternalStorage {
  return new ExternalStorage({ drivers, payloadSizeThreshold: THRESHOLD });
}
