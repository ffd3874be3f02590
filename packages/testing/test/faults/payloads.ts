import { randomBytes } from 'node:crypto';
import type { Payload } from '@temporalio/common';
import { temporal } from '@temporalio/proto';

const PayloadProto = temporal.api.common.v1.Payload;

export function randomPayload(size: number): Payload {
  return { metadata: { encoding: Buffer.from('binary/plain') }, data: randomBytes(size) };
}

/** The bytes that Redis must hold. */
export function encoded(payload: Payload): Buffer {
  return Buffer.from(PayloadProto.encode(payload).finish());
}

/** Whether two payloads are the same byte for byte. */
export function same(one: Payload, other: Payload): boolean {
  return encoded(one).equals(encoded(other));
}
