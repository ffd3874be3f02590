import { randomUUID } from 'node:crypto';
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import type { StorageDriver } from '@temporalio/common';
import { S3StorageDriver } from '@temporalio/external-storage-s3';
import { temporal } from '@temporalio/proto';
import { compare, type Costs, type Variant } from './compare';
import type { Commands, Library } from './libraries';
import { createContext, MAX_PAYLOAD_SIZE, createPayloads, type Load } from './loads';

/** Compares the driver with `baselines`, which send encoded bytes, and with the S3 driver over the same library. */
export async function measureLibrary(
  library: Library,
  baselines: Record<string, Commands>,
  load: Load,
  rounds: number,
): Promise<{ store: Costs; retrieve: Costs }> {
  const payloads = createPayloads(load);
  const values = payloads.map((payload) => temporal.api.common.v1.Payload.encode(payload).finish());
  const driver = new RedisStorageDriver({ client: library.adapter, maxPayloadSize: MAX_PAYLOAD_SIZE });
  const peer = createS3StyleDriver(library);
  const raws = Object.entries(baselines);
  const after = (): Promise<unknown> => library.flush();
  const store = await compare(
    [
      { name: 'driver', run: () => driver.store(createContext(), payloads), after },
      { name: 'S3 driver', run: () => peer.store(createContext(), payloads), after },
      duplicateStore(driver, payloads, after),
      ...raws.map(([name, raw]) => ({ name, run: () => storeRaw(raw, values), after })),
    ],
    load,
    rounds,
  );
  const keys = await storeRaw(library, values);
  const ours = await driver.store(createContext(), payloads);
  const theirs = await peer.store(createContext(), payloads);
  const retrieve = await compare(
    [
      { name: 'driver', run: () => driver.retrieve({}, ours) },
      { name: 'S3 driver', run: () => peer.retrieve({}, theirs) },
      ...raws.map(([name, raw]) => ({ name, run: () => Promise.all(keys.map((key) => raw.get(key))) })),
    ],
    load,
    rounds,
  );
  await library.flush();
  return { store, retrieve };
}

async function storeRaw(commands: Commands, values: Uint8Array[]): Promise<string[]> {
  return Promise.all(
    values.map(async (value) => {
      const key = randomUUID();
      await commands.set(key, value);
      return key;
    }),
  );
}

function duplicateStore(
  driver: StorageDriver,
  payloads: Parameters<StorageDriver['store']>[1],
  after: () => Promise<unknown>,
): Variant {
  let context = createContext();
  return {
    name: 'driver, duplicate',
    before: () => driver.store((context = createContext()), payloads),
    run: () => driver.store(context, payloads),
    after,
  };
}

function createS3StyleDriver(library: Library): StorageDriver {
  return new S3StorageDriver({
    bucket: 'benchmark',
    maxPayloadSize: MAX_PAYLOAD_SIZE,
    client: {
      getObject: async (_bucket, key) => (await library.get(key)) as Uint8Array,
      putObject: async (_bucket, key, data) => void (await library.set(key, data)),
      objectExists: (_bucket, key) => library.exists(key),
    },
  });
}
