import { randomUUID } from 'node:crypto';
import { RedisStorageDriver, RedisStorageDriverError, TimeoutError } from '@temporal-redis-storage/core';
import { startUpstash } from '@temporal-redis-storage/testing';
import { connectAll, disconnectAll, type RedisConnection } from '../../../testing/src/servers/redis-connection';
import { startSentinel } from '../../../testing/src/servers/sentinel';
import { waitUntil } from '../../../testing/src/wait-until';
import { DurableRedis } from './durable-redis';
import { randomPayload, isSamePayload } from './payloads';
import { MASTER_NAME, SHAPES, type Endpoints, type OpenClient } from '../client-shapes';

const KEYS = 100;
/** So long it takes Redis to load one, in microseconds. */
const KEY_LOAD_DELAY = 8000;
const REQUEST_TIMEOUT_MS = 300;
/** Without the second Redis answers nobody while it loads so little. */
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

/** Has Redis load all that it holds from its disk. Resolves once it has begun, to a promise that it is done. */
async function startLoading(): Promise<{ loaded: Promise<unknown> }> {
  const [other] = await connectAll([endpoints]);
  const loaded = other!.sendCommand(['DEBUG', 'RELOAD']).finally(() => disconnectAll([other!]));
  await waitUntil('Redis loads', [admin], async (redis) => (await redis.info('persistence')).includes('loading:1'));
  return { loaded };
}

describe.each(Object.keys(SHAPES))('%s', (name) => {
  it('waits for a Redis that loads, or tells so with the key when time is out', async () => {
    opened = SHAPES[name]!(endpoints);
    const { client, connected } = opened;
    await connected;
    const patient = new RedisStorageDriver({ client, maxAttempts: 100, requestTimeout: '30 seconds' });
    const impatient = new RedisStorageDriver({ client, maxAttempts: 100, requestTimeout: REQUEST_TIMEOUT_MS });
    const [before, during, refused] = [randomPayload(1000), randomPayload(1000), randomPayload(1000)];
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
