import { RedisStorageDriver } from '@temporal-redis-storage/core';
import type { Payload, StorageDriverClaim } from '@temporalio/common';
import { compare, type Costs } from './compare';
import type { Library } from './libraries';
import { createContext, createPayloads, MIB, type Load } from './loads';

export const NEXT_SDK_LOADS: Load[] = [
  { count: 1000, size: 10 * 1024 },
  { count: 64, size: MIB / 4 },
  { count: 16, size: 4 * MIB },
];

/** How many payloads of one message, and of all messages, SDKs after 1.24 have under way at once. */
const LIMITS = { message: 8, storage: 64 };

type Permit = <T>(item: Payload | StorageDriverClaim, operation: () => Promise<T>) => Promise<T>;

/** Runs at most `limit` operations at once, in order of arrival, each of them inside `outer`. */
function createPermit(limit: number, outer: Permit = (_item, operation) => operation()): Permit {
  let running = 0;
  const queue: (() => void)[] = [];
  return async (item, operation) => {
    if (running >= limit) await new Promise<void>((resolve) => void queue.push(resolve));
    else running++;
    try {
      return await outer(item, operation);
    } finally {
      const next = queue.shift();
      if (next) next();
      else running--;
    }
  };
}

/** A context as SDKs after 1.24 have it. */
function createLimitedContext(): object {
  return { limiter: { permit: createPermit(LIMITS.message, createPermit(LIMITS.storage)) } };
}

/** Compares one call for all payloads, as SDK 1.24 makes it, with a limited call for each, as later SDKs make them. */
export async function measureNextSdk(
  library: Library,
  load: Load,
  rounds: number,
): Promise<{ store: Costs; retrieve: Costs }> {
  const payloads = createPayloads(load);
  const driver = new RedisStorageDriver({ client: library.adapter });
  const storeEach = async (): Promise<void> => {
    const context = { ...createContext(), ...createLimitedContext() };
    await Promise.all(payloads.map((payload) => driver.store(context, [payload])));
  };
  const after = (): Promise<unknown> => library.flush();
  const store = await compare(
    [
      { name: 'a call for each payload, limits 8 and 64', run: storeEach, after },
      { name: 'one call', run: () => driver.store(createContext(), payloads), after },
    ],
    load,
    rounds,
  );
  const claims = await driver.store(createContext(), payloads);
  const retrieveEach = async (): Promise<void> => {
    const context = createLimitedContext();
    await Promise.all(claims.map((claim) => driver.retrieve(context, [claim])));
  };
  const retrieve = await compare(
    [
      { name: 'a call for each payload, limits 8 and 64', run: retrieveEach },
      { name: 'one call', run: () => driver.retrieve({}, claims) },
    ],
    load,
    rounds,
  );
  await library.flush();
  return { store, retrieve };
}
