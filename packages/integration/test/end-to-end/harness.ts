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

/** Asks again and again until there is an answer. */
export async function waitForValue<T>(ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`Asked in vain for a minute: ${String(ask)}`);
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
  /** One driver of each; one with no options unless given. */
  drivers?: Partial<RedisStorageDriverOptions>[];
  storage?: (drivers: RedisStorageDriver[]) => ExternalStorage;
  payloadCodecs?: PayloadCodec[];
}

/** What one test works with. */
export interface Environment {
  namespace: string;
  /** A task queue of its own. */
  taskQueue: string;
  /** Payloads of this client and these workers go to Redis, under a prefix of the test's own. */
  client: Client;
  createWorker: (options?: Partial<WorkerOptions>) => Promise<Worker>;
  dataConverter: DataConverter;
  workflowBundle: WorkflowBundleWithSourceMap;
  /** What the driver asked of Redis. */
  traffic: RecordingClient;
  /** The test's own connection to Redis. */
  redis: RedisConnection;
  /** The keys that Redis must have. */
  keys: Keys;
  /** The keys that Redis has. */
  storedKeys: () => Promise<Set<string>>;
}

/**
 * Starts a Temporal server and a Redis for the tests of a file, and stops them afterwards. The function that it returns
 * sets the scene for one test.
 */
export function useServers(logger: Logger = new DefaultLogger('ERROR')): (options?: EnvironmentOptions) => Environment {
  jest.setTimeout(120_000);
  const closers: (() => unknown)[] = [];
  const workers: Worker[] = [];
  let setScene: (options: EnvironmentOptions) => Environment;

  beforeAll(async () => {
    Runtime.install({
      logger,
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

    setScene = ({ drivers = [{}], storage = allLargePayloads, payloadCodecs = [] }) => {
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
        client: new Client({ connection, namespace, dataConverter, interceptors: { workflow: [impatience] } }),
        createWorker: async (options) => {
          const worker = await Worker.create({
            connection: nativeConnection,
            namespace,
            taskQueue,
            dataConverter,
            workflowBundle,
            shutdownForceTime: '5 seconds',
            ...options,
          });
          workers.push(worker);
          return worker;
        },
        dataConverter,
        workflowBundle,
        traffic,
        redis,
        keys: new Keys(keyPrefix, namespace),
        storedKeys: async () => new Set(await redis.keys(`${keyPrefix}:*`)),
      };
    };
  });

  afterEach(async () => {
    for (const worker of workers.splice(0)) await stop(worker);
  });

  afterAll(async () => {
    for (const close of closers.toReversed()) await close();
  });

  return (options = {}) => setScene(options);
}

/**
 * Stops a worker that a failed test has left behind: a connection can't be closed before all of its workers stopped.
 */
async function stop(worker: Worker): Promise<void> {
  if (worker.getState() === 'INITIALIZED') await worker.runUntil(Promise.resolve());
  if (worker.getState() === 'RUNNING') worker.shutdown();
  await waitForValue(async () => /STOPPED|FAILED/.test(worker.getState()) || undefined);
}

/** Ends a workflow that is stuck, whose test would otherwise wait for its result beyond the connection's end. */
const impatience: WorkflowClientInterceptor = {
  startWithDetails: (input, next) =>
    next({
      ...input,
      options: { ...input.options, workflowExecutionTimeout: google.protobuf.Duration.fromObject({ seconds: 60 }) },
    }),
};

function allLargePayloads(drivers: RedisStorageDriver[]): ExternalStorage {
  return new ExternalStorage({ drivers, payloadSizeThreshold: THRESHOLD });
}
