import { randomUUID } from 'node:crypto';
import { RedisStorageDriver, RedisStorageDriverError, TimeoutError } from '@temporal-redis-storage/core';
import { startUpstash } from '@temporal-redis-storage/testing';
import { connectAll, disconnectAll, type RedisConnection } from '../../../testing/src/servers/redis-connection';
import { startSentinel } from '../../../testing/src/servers/sentinel';
import { waitUntil } from '../../../testing/src/wait-until';
import { DurableRedis } from './durable-redis';
import { createRandomPayload, isSamePayload } from './payloads';
import { MASTER_NAME, SHAPES, type Endpoints, type OpenClient } from '../client-shapes';

const KEYS = 100;
/** Time that Redis takes to load one key, in microseconds. */
const KEY_LOAD_DELAY = 8000;
const REQUEST_TIMEOUT_MS = 300;
/** The second setting makes Redis reply during such a short load. */
const SETTINGS = ['--enable-debug-command', 'yes', '--loading-process-events-interval-bytes', '1024'];

const cleanUps: (() => unknown)[] = [];
let endpoints: Endpoints;
let admin: RedisConnection;
let opened: OpenClient | undefined;

beforeAll(async () => {
  const durable = await DurableRedis.create('cluster', SETTINGS);
  cleanUps.unshift(() => durable.remove());
  const redis = await durable.start();
  const upstash = await startUpstash({ redis });
  cleanUps.unshift(() => upstash.stop());
  const sentinel = await startSentinel(MASTER_NAME, redis);
  cleanUps.unshift(() => sentinel.stop());
  [admin] = (await connectAll([redis])) as [RedisConnection];
  cleanUps.unshift(() => disconnectAll([admin]));
  endpoints = { ...redis, sentinel, upstash };
  for (let key = 0; key < KEYS; key++) await admin.set(randomUUID(), 'x'.repeat(2000));
  await admin.configSet('key-load-delay', String(KEY_LOAD_DELAY));
});

afterEach(() => opened?.close());

afterAll(async () => {
  for (const cleanUp of cleanUps) await cleanUp();
});

/** Makes Redis reload its data from disk. Resolves once the load has started; `loaded` resolves at its end. */
async function startLoading(): Promise<{ loaded: Promise<unknown> }> {
  const [other] = await connectAll([endpoints]);
  const loaded = other!.sendCommand(['DEBUG', 'RELOAD']).finally(() => disconnectAll([other!]));
  await waitUntil('Redis loads', [admin], async (redis) => (await redis.info('persistence')).includes('loading:1'));
  return { loaded };
}

describe.each(Object.keys(SHAPES))('%s', (name) => {
  it('waits until Redis has loaded its data, or times out with the key and the LOADING error', async () => {
    opened = SHAPES[name]!(endpoints);
    const { client, connected } = opened;
    await connected;
    const patient = new RedisStorageDriver({ client, maxAttempts: 100, requestTimeout: '30 seconds' });
    const impatient = new RedisStorageDriver({ client, maxAttempts: 100, requestTimeout: REQUEST_TIMEOUT_MS });
    const [before, during, refused] = [createRandomPayload(1000), createRandomPayload(1000), createRandomPayload(1000)];
    const [claim] = await patient.store({}, [before]);

    const { loaded } = await startLoading();
    const errors = Promise.all(
      [impatient.store({}, [refused]), impatient.retrieve({}, [claim!])].map((call) =>
        call.then(
          () => undefined,
          (error: unknown) => error,
        ),
      ),
    );
    const [stored, retrieved] = await Promise.all([patient.store({}, [during]), patient.retrieve({}, [claim!])]);
    await loaded;

    expect(isSamePayload(retrieved[0]!, before)).toBe(true);
    const [back] = await patient.retrieve({}, stored);
    expect(isSamePayload(back!, during)).toBe(true);
    const [refusedClaim] = await patient.store({}, [refused]);
    const keys = [refusedClaim, claim].map((each) => each!.claimData['key']!);
    for (const [index, error] of (await errors).entries()) {
      expect(error).toBeInstanceOf(RedisStorageDriverError);
      const { message, cause } = error as RedisStorageDriverError;
      expect(message).toContain(`key=${keys[index]!}`);
      expect(cause).toBeInstanceOf(TimeoutError);
      expect(String((cause as TimeoutError).cause)).toContain('LOADING Redis is loading the dataset in memory');
    }
  });
});
