import { randomBytes } from 'node:crypto';
import type { Payload, StorageDriverClaim } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import { InMemoryStorageDriverClient } from '@temporal-redis-storage/core/testing';

const PayloadProto = temporal.api.common.v1.Payload;

export function createRandomPayload(size: number): Payload {
  return { metadata: { encoding: Buffer.from('binary/plain') }, data: randomBytes(size) };
}

/** Encodes a payload as the bytes that Redis must have. */
export function encodePayload(payload: Payload): Buffer {
  return Buffer.from(PayloadProto.encode(payload).finish());
}

/** Whether two payloads are the same byte for byte. */
export function isSamePayload(one: Payload, other: Payload): boolean {
  return encodePayload(one).equals(encodePayload(other));
}

/** Creates a claim for a payload without storing it in Redis. */
export async function createClaim(payload: Payload): Promise<StorageDriverClaim> {
  const [claim] = await new RedisStorageDriver({ client: new InMemoryStorageDriverClient() }).store({}, [payload]);
  return claim!;
}
