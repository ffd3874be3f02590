import { RedisStorageDriver } from '@temporal-redis-storage/core';
import { compare, type Costs } from './compare';
import type { Library } from './libraries';
import { createContext, MAX_PAYLOAD_SIZE, MIB, createPayloads, type Load } from './loads';

/** Loads that grow by payload size, and loads that grow by number of payloads per call. */
export const SIZES: Load[] = [1 / 1024, 1 / 64, 1 / 4, 1, 10, 50, 100, 200].map((mib) => ({
  count: 1,
  size: mib * MIB,
}));
export const COUNTS: Load[] = [1, 10, 100, 1000, 10_000].map((count) => ({ count, size: 10 * 1024 }));

/** Measures the driver's calls against a real Redis. */
export async function measureGrowth(library: Library, load: Load, rounds: number): Promise<Costs> {
  const payloads = createPayloads(load);
  const driver = new RedisStorageDriver({
    client: library.adapter,
    maxPayloadSize: MAX_PAYLOAD_SIZE,
    requestTimeout: '1 minute',
  });
  const store = { name: 'store', run: () => driver.store(createContext(), payloads), after: library.flush };
  const stored = await compare([store], load, rounds);
  const claims = await driver.store(createContext(), payloads);
  const retrieved = await compare([{ name: 'retrieve', run: () => driver.retrieve({}, claims) }], load, rounds);
  await library.flush();
  return { ...stored, ...retrieved };
}
