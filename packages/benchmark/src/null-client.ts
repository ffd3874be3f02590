import { setImmediate as nextRound } from 'node:timers/promises';
import { RedisStorageDriver, type RedisStorageDriverClient } from '@temporal-redis-storage/core';
import type { StorageDriver } from '@temporalio/common';
import { S3StorageDriver, type S3StorageDriverClient } from '@temporalio/external-storage-s3';
import { compareCosts, type Costs } from './compare';
import { freshContext, MAX_PAYLOAD_SIZE, MIB, payloadsOf, type Load } from './loads';
import { measure, type Cost } from './probe';

/** How many bytes go through a driver in one measurement, unless a single call brings more. */
const SERIES = 64 * MIB;

/**
 * What a call costs both drivers by themselves: over clients that keep a value or hand it back, and do nothing else. In
 * series, as what a call leaves to the garbage collector is its cost too, and the event loop goes round after each.
 */
export async function measureDrivers(load: Load, rounds: number): Promise<{ store: Costs; retrieve: Costs }> {
  const payloads = payloadsOf(load);
  const calls = Math.ceil(SERIES / (load.count * load.size));
  const ours = new NullClient();
  const peer = new NullClient();
  const redis = new RedisStorageDriver({ client: ours.asRedis(), maxPayloadSize: MAX_PAYLOAD_SIZE });
  const s3 = new S3StorageDriver({ client: peer.asS3(), bucket: 'benchmark', maxPayloadSize: MAX_PAYLOAD_SIZE });
  const store = await compareCosts(
    [
      { name: 'driver', costOnce: series(() => redis.store(freshContext(), payloads), ours) },
      { name: 'S3 driver', costOnce: series(() => s3.store(freshContext(), payloads), peer) },
    ],
    rounds,
  );
  const retrieve = await compareCosts(
    [
      { name: 'driver', costOnce: series(await retrievalBy(redis)) },
      { name: 'S3 driver', costOnce: series(await retrievalBy(s3)) },
    ],
    rounds,
  );
  return { store, retrieve };

  async function retrievalBy(driver: StorageDriver): Promise<() => Promise<unknown>> {
    const claims = await driver.store(freshContext(), payloads);
    return () => driver.retrieve({}, claims);
  }

  function series(call: () => Promise<unknown>, emptied?: NullClient): () => Promise<Cost> {
    return async () => {
      const cost = await measure(async () => {
        for (let done = 0; done < calls; done++) {
          await call();
          emptied?.clear();
          await nextRound();
        }
      });
      return { ...cost, wallMs: cost.wallMs / calls, cpuMs: cost.cpuMs / calls };
    };
  }
}

class NullClient {
  private readonly values = new Map<string, Uint8Array>();

  clear(): void {
    this.values.clear();
  }

  asRedis(): RedisStorageDriverClient {
    return {
      get: async (key) => this.values.get(key) ?? null,
      setIfAbsent: async (key, data) => Boolean(this.values.set(key, data)),
      exists: async (key) => this.values.has(key),
    };
  }

  asS3(): S3StorageDriverClient {
    return {
      getObject: async (_bucket, key) => this.values.get(key) as Uint8Array,
      putObject: async (_bucket, key, data) => void this.values.set(key, data),
      objectExists: async (_bucket, key) => this.values.has(key),
    };
  }
}
