import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, type Payload, type StorageDriverClaim } from '@temporalio/common';
import { RedisStorageDriver, RedisStorageDriverError } from '@temporal-redis-storage/core';
import { startUpstash, type RunningRedis } from '@temporal-redis-storage/testing';
import { startSentinel } from '../../../testing/src/servers/sentinel';
import { DurableRedis } from './durable-redis';
import { createRandomPayload, isSamePayload } from './payloads';
import { CLUSTER_SHAPES, MASTER_NAME, SHAPES, type OpenClient } from '../client-shapes';

jest.setTimeout(180_000);

const MIB = 1024 * 1024;

const CONCURRENT_STORES = 200;
const KILLED_AFTER = 300;
const SIZE = 20_000;
/**
 * Sizes in the first loops: ioredis sends both in several chunks, and the driver first checks whether the larger one
 * exists.
 */
const LARGE_SIZES = [5 * MIB, 2 * MIB];
const DOWN_MS = 2000;
const REQUEST_TIMEOUT_MS = 5000;
/** A busy machine may be late. */
const GRACE_MS = 20_000;

interface Outcome {
  acknowledged: { payload: Payload; claim: StorageDriverClaim }[];
  errors: unknown[];
  longestMs: number;
}

/** Runs 200 stores at a time until Redis is killed during them, and waits until all have settled. */
async function storeUntilKilled(driver: RedisStorageDriver, kill: () => void): Promise<Outcome> {
  const outcome: Outcome = { acknowledged: [], errors: [], longestMs: 0 };
  const down = new AbortController();
  const loops = Array.from({ length: CONCURRENT_STORES }, async (_, index) => {
    while (!down.signal.aborted) {
      const payload = createRandomPayload(LARGE_SIZES[index] ?? SIZE);
      const start = performance.now();
      try {
        const [claim] = await driver.store({}, [payload]);
        if (outcome.acknowledged.push({ payload, claim: claim! }) === KILLED_AFTER) {
          kill();
          // After this time, each loop has a pending store that started after the kill.
          setTimeout(() => down.abort(), 100);
        }
      } catch (error) {
        outcome.errors.push(error);
        await sleep(20);
      }
      outcome.longestMs = Math.max(outcome.longestMs, performance.now() - start);
    }
  });
  await Promise.all(loops);
  return outcome;
}

/** Repeats a call that fails because the machine is busy. */
async function tryPatiently<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      if (error instanceof ApplicationFailure || attempt === 5) throw error;
    }
  }
}

/** Reads a payload; undefined only if Redis says that it is absent. */
async function readPatiently(reader: RedisStorageDriver, claim: StorageDriverClaim): Promise<Payload | undefined> {
  try {
    const [payload] = await tryPatiently(() => reader.retrieve({}, [claim]));
    return payload;
  } catch (error) {
    if (error instanceof ApplicationFailure) return undefined;
    throw error;
  }
}

async function countLost(reader: RedisStorageDriver, acknowledged: Outcome['acknowledged']): Promise<number> {
  const found = await Promise.all(
    acknowledged.map(async ({ payload, claim }) => {
      const back = await readPatiently(reader, claim);
      return back !== undefined && isSamePayload(back, payload);
    }),
  );
  return found.filter((isFound) => !isFound).length;
}

describe('Redis after a kill during 200 concurrent stores and a restart', () => {
  it.concurrent.each(Object.keys(SHAPES))('still has every acknowledged payload: %s', async (name) => {
    const redis = await DurableRedis.create(name in CLUSTER_SHAPES ? 'cluster' : 'single');
    const cleanUps: (() => unknown)[] = [() => redis.remove()];
    const open = async (running: RunningRedis): Promise<OpenClient> => {
      const upstash = await startUpstash({ redis: running });
      cleanUps.unshift(() => upstash.stop());
      const sentinel = await startSentinel(MASTER_NAME, running);
      cleanUps.unshift(() => sentinel.stop());
      const opened = SHAPES[name]!({ ...running, sentinel, upstash });
      cleanUps.unshift(() => opened.close());
      await opened.connected;
      return opened;
    };

    try {
      const { client } = await open(await redis.start());
      const driver = new RedisStorageDriver({ client, requestTimeout: REQUEST_TIMEOUT_MS });
      let restarted: Promise<RunningRedis> | undefined;
      const { acknowledged, errors, longestMs } = await storeUntilKilled(driver, () => {
        redis.kill();
        restarted = sleep(DOWN_MS).then(() => redis.start());
      });
      const reader = new RedisStorageDriver({ ...(await open(await restarted!)), requestTimeout: '30 seconds' });

      expect(await countLost(reader, acknowledged)).toBe(0);
      expect(await tryPatiently(() => driver.store({}, [createRandomPayload(SIZE)]))).toHaveLength(1);
      expect(acknowledged.length).toBeGreaterThanOrEqual(KILLED_AFTER);
      expect(errors.length + acknowledged.length).toBeGreaterThanOrEqual(KILLED_AFTER + CONCURRENT_STORES);
      for (const error of errors) expect(error).toBeInstanceOf(RedisStorageDriverError);
      expect(longestMs).toBeLessThan(REQUEST_TIMEOUT_MS + GRACE_MS);
    } finally {
      for (const cleanUp of cleanUps) await cleanUp();
    }
  });
});
