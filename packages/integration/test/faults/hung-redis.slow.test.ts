import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { decorateClient, RedisStorageDriver, type RedisStorageDriverClient } from '@temporal-redis-storage/core';
import { cleanUpAfterEach, startRedis, type RunningRedis } from '@temporal-redis-storage/testing';
import { PREVIOUS_MAJOR_SHAPES, SHAPES } from '../client-shapes';

jest.setTimeout(300_000);

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const MIB = 1024 * 1024;
const LIMIT = 20 * MIB;
/** For what isn't a payload. */
const SLACK = 2 * MIB;
const STORES = 12;
const NO_CAPACITY =
  /^No capacity for \d+ bytes: the Redis library still holds \d+ bytes of requests that Redis did not answer/;

const { keep, cleanUp } = cleanUpAfterEach();
let redis: RunningRedis;

beforeEach(async () => {
  redis = keep(await startRedis());
  cleanUp(resume);
});

/** Redis keeps its connections, and answers nothing. */
const suspend = (): void => void process.kill(redis.pid, 'SIGSTOP');
const resume = (): void => void process.kill(redis.pid, 'SIGCONT');

async function open(shape: string): Promise<RedisStorageDriverClient> {
  const { host, port } = redis;
  const opened = { ...SHAPES, ...PREVIOUS_MAJOR_SHAPES }[shape]!({ host, port, upstash: { url: '', token: '' } });
  cleanUp(opened.close);
  await opened.connected;
  return opened.client;
}

const createDriver = (client: RedisStorageDriverClient): RedisStorageDriver =>
  new RedisStorageDriver({ client, keyPrefix: randomUUID(), maxBytesInFlight: LIMIT, requestTimeout: '2 seconds' });

/** Stores a payload of its own, and resolves to the message of the error's cause, and to the time that it took. */
async function store(driver: RedisStorageDriver, size: number): Promise<{ cause: string; ms: number }> {
  const start = performance.now();
  const error = await driver.store({}, [{ metadata: {}, data: randomBytes(size) }]).then(
    () => new Error('The call succeeded'),
    (reason: Error) => reason,
  );
  return { cause: (error.cause as Error | undefined)?.message ?? error.message, ms: performance.now() - start };
}

async function storeOften(driver: RedisStorageDriver, size: number): Promise<{ cause: string; ms: number }[]> {
  const results: { cause: string; ms: number }[] = [];
  for (let count = 0; count < STORES; count++) results.push(await store(driver, size));
  return results;
}

/** Bytes of buffers after ten garbage collections, or after at most fifty once there are at most `expected`. */
async function measureBuffers(expected?: number): Promise<number> {
  for (let collections = 1; ; collections++) {
    collectGarbage();
    await sleep(100);
    const { arrayBuffers } = process.memoryUsage();
    const isSettled = expected === undefined ? collections === 10 : arrayBuffers <= expected || collections === 50;
    if (isSettled) return arrayBuffers;
  }
}

async function expectUsable(driver: RedisStorageDriver): Promise<void> {
  const payloads = [16 * MIB, 1000].map((size) => ({ metadata: {}, data: randomBytes(size) }));
  const read = await driver.retrieve({}, await driver.store({}, payloads));
  expect(read.map(({ data }, index) => Buffer.compare(data!, payloads[index]!.data))).toEqual([0, 0]);
}

describe.each(['node-redis', 'node-redis 5', 'ioredis', 'ioredis 5'])('%s, while Redis hangs', (shape) => {
  it.each<[name: string, size: number, timedOut: number]>([
    ['payloads of 16 MiB', 16 * MIB, 1],
    ['payloads of 3 MiB, which are sent without asking for them first', 3 * MIB, 6],
  ])('holds at most maxBytesInFlight of %s, and refuses more at once', async (_name, size, timedOut) => {
    // Redis hangs after it was asked for the payload.
    const driver = createDriver(decorateClient(await open(shape), { exists: async () => false }));
    await expectUsable(driver);
    const before = await measureBuffers();
    suspend();

    const results = await storeOften(driver, size);
    const held = (await measureBuffers(before + LIMIT + SLACK)) - before;
    expect(held).toBeLessThan(LIMIT + SLACK);
    const refused = results.filter(({ cause }) => NO_CAPACITY.test(cause));
    expect(refused).toHaveLength(STORES - timedOut);
    expect(Math.max(...refused.map(({ ms }) => ms))).toBeLessThan(1500);
    resume();
    await sleep(500);
    await expectUsable(driver);
    expect((await measureBuffers(before + SLACK)) - before).toBeLessThan(SLACK);
  });

  it('holds nothing of large payloads that it could not ask for', async () => {
    const driver = createDriver(await open(shape));
    await expectUsable(driver);
    const before = await measureBuffers();
    suspend();

    const results = await storeOften(driver, 16 * MIB);

    expect((await measureBuffers(before + SLACK)) - before).toBeLessThan(SLACK);
    expect(results.map(({ cause }) => cause)).toEqual(
      results.map(() => 'Redis did not answer within 2000 ms (requestTimeout)'),
    );
    resume();
    await sleep(500);
    await expectUsable(driver);
  });
});
