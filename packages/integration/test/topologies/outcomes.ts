import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, type Payload, type StorageDriverClaim } from '@temporalio/common';
import { RedisStorageDriverError, type RedisStorageDriver } from '@temporal-redis-storage/core';
import { encodePayload } from './traffic';

/** A payload that `store` has resolved for. */
export interface Stored {
  payload: Payload;
  claim: StorageDriverClaim;
}

const SETTLING_MS = 60_000;

/** Stores payloads of these sizes in one call. */
export async function storeRandom(writer: RedisStorageDriver, sizes: number[]): Promise<Stored[]> {
  const payloads = sizes.map((size) => ({ data: randomBytes(size) }));
  const claims = await writer.store({}, payloads);
  return claims.map((claim, i) => ({ claim, payload: payloads[i]! }));
}

/** What a claim leads to: 'read' is its payload byte for byte, an error one that may pass. */
export async function getOutcome(reader: RedisStorageDriver, { payload, claim }: Stored): Promise<unknown> {
  try {
    const [back] = await reader.retrieve({}, [claim]);
    return encodePayload(back!).equals(encodePayload(payload)) ? 'read' : 'WRONG BYTES';
  } catch (error) {
    return error instanceof ApplicationFailure && error.nonRetryable ? error.type : error;
  }
}

/** The same, once it is no error that may pass. */
export async function waitForFinalOutcome(reader: RedisStorageDriver, stored: Stored): Promise<unknown> {
  const deadline = Date.now() + SETTLING_MS;
  for (;;) {
    const outcome = await getOutcome(reader, stored);
    if (!(outcome instanceof RedisStorageDriverError) || Date.now() > deadline) return outcome;
    await sleep(100);
  }
}
