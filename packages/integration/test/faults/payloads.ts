import { randomBytes } from 'node:crypto';
import type { Payload, StorageDriverClaim } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import { InMemoryStorageDriverClient } from '@temporal-redis-storage/core/testing';

const PayloadProto = temporal.api.common.v1.Payload;

export function randomPayload(size: number): Payload {
  return { metadata: { encoding: Buffer.from('binary/plain') }, data: randomBytes(size) };
}

/** The bytes that Redis must hold. */
export function encodePayload(payload: Payload): Buffer {
  return Buffer.from(PayloadProto.encode(payload).finish());
}

/** Whether two payloads are the same byte for byte. */
export function isSamePayload(one: Payload, other: Payload): boolean {
  return encodePayload(one).equals(encodePayload(other));
}

/** The claim that a store would answer, of a payload that no Redis has. */
export async function createClaim(payload: Payload): Promise<StorageDriverClaim> {
  const [claim] = await new RedisStorageDriver({ client: new InMemoryStorageDriverClient() }).store({}, [payload]);
  return claim!;
}
