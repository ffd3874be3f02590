import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { RedisStorageDriver, type RedisStorageDriverClient } from '@temporal-redis-storage/core';
import { createContext, MIB, type Load } from './loads';
import { measureMemory } from './measure';

/** Loads that exceed the driver's default `maxBytesInFlight`. */
export const BYTES_IN_FLIGHT_LOADS: Load[] = [100, 1000].map((count) => ({ count, size: 10 * MIB }));

/** Peak size of the buffers during a call, in bytes. */
export interface BytesInFlightMemory {
  /** With the default `maxBytesInFlight`. */
  bounded: number;
  /** Without a limit. Undefined for loads that would take too much memory. */
  unbounded: number | undefined;
}

/** Measures a store through a client that takes half a second per request, like a slow network. */
export async function measureBytesInFlight(load: Load): Promise<BytesInFlightMemory> {
  // The payloads share one buffer, so only the driver's copies count.
  const data = randomBytes(load.size);
  const payloads = Array.from({ length: load.count }, (_, index) => ({
    metadata: { index: Buffer.from(String(index)) },
    data,
  }));
  const client: RedisStorageDriverClient = {
    get: async () => null,
    setIfAbsent: async () => sleep(500, true),
  };
  const measureStore = (maxBytesInFlight?: number): Promise<number> => {
    const driver = new RedisStorageDriver({ client, ...(maxBytesInFlight !== undefined && { maxBytesInFlight }) });
    return measureMemory(() => driver.store(createContext(), payloads));
  };
  return {
    bounded: await measureStore(),
    unbounded: load.count <= 100 ? await measureStore(Number.MAX_SAFE_INTEGER) : undefined,
  };
}
