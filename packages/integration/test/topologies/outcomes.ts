import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, type Payload, type StorageDriverClaim } from '@temporalio/common';
import { RedisStorageDriverError, type RedisStorageDriver } from '@temporal-redis-storage/core';
import { encodePayload } from './traffic';

/** A payload that `store` has acknowledged. */
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

/**
 * Reads a claim. Resolves to 'read' if the payload is unchanged, to a failure type if it is final, or to a transient
 * error.
 */
export async function getOutcome(reader: RedisStorageDriver, { payload, claim }: Stored): Promise<unknown> {
  try {
    const [back] = await reader.retrieve({}, [claim]);
    return encodePayload(back!).equals(encodePayload(payload)) ? 'read' : 'WRONG BYTES';
  } catch (error) {
    return error instanceof ApplicationFailure && error.nonRetryable ? error.type : error;
  }
}

/** Reads a claim until the outcome is not a transient error, for at most a minute. */
export async function waitForFinalOutcome(reader: RedisStorageDriver, stored: Stored): Promise<unknown> {
  const deadline = Date.now() + SETTLING_MS;
  for (;;) {
    const outcome = await getOutcome(reader, stored);
    if (!(outcome instanceof RedisStorageDriverError) || Date.now() > deadline) return outcome;
    await sleep(100);
  }
}
