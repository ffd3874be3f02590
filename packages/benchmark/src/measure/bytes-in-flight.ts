import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { RedisStorageDriver, type RedisStorageDriverClient } from '@temporal-redis-storage/core';
import { createContext, MIB, type Load } from './loads';
import { measureMemory } from './measure';

/** What the driver's bound on bytes in flight is measured on. */
export const BYTES_IN_FLIGHT_LOADS: Load[] = [100, 1000].map((count) => ({ count, size: 10 * MIB }));

/** Buffers that a call holds at most, in bytes. */
export interface BytesInFlightMemory {
  /** By default. */
  bounded: number;
  /** Undefined where it would be more than this is worth. */
  unbounded: number | undefined;
}

/** A store whose every request is answered after half a second, as over a slow link. */
export async function measureBytesInFlight(load: Load): Promise<BytesInFlightMemory> {
  // All have the same bytes, which the driver copies for each.
  const data = randomBytes(load.size);
  const payloads = Array.from({ length: load.count }, (_, index) => ({
    metadata: { index: Buffer.from(String(index)) },
    data,
  }));
  const client: RedisStorageDriverClient = {
    get: async () => null,
    setIfAbsent: async () => sleep(500, true),
  };
  const held = (maxBytesInFlight?: number): Promise<number> => {
    const driver = new RedisStorageDriver({ client, ...(maxBytesInFlight !== undefined && { maxBytesInFlight }) });
    return measureMemory(() => driver.store(createContext(), payloads));
  };
  return {
    bounded: await held(),
    unbounded: load.count <= 100 ? await held(Number.MAX_SAFE_INTEGER) : undefined,
  };
}
