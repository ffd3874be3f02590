import { createHash } from 'node:crypto';
import { isUint8Array } from 'node:util/types';
import { ValueError, type Payload } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { CHUNK_SIZE, HASH_ALGORITHM } from './digest';

const PayloadProto = temporal.api.common.v1.Payload;

/** Field number 2, length-delimited. */
const DATA_TAG = (2 << 3) | 2;

/** A payload's serialized form, whose pieces, one after another, are what `Payload.encode(payload).finish()` answers. */
export interface EncodedPayload {
  pieces: Uint8Array[];
  /** In bytes. */
  size: number;
}

/** Serializes a payload without copying its `data`, which stays a piece of its own: the encoder would copy it twice. */
export function encodePayload(payload: Payload): EncodedPayload {
  const pieces = splitPayload(payload);
  return { pieces, size: pieces.reduce((size, { length }) => size + length, 0) };
}

function splitPayload(payload: Payload): Uint8Array[] {
  // Descriptors, as the fields that this version of the proto doesn't know aren't enumerable.
  const { metadata, data, ...others } = Object.getOwnPropertyDescriptors(payload);
  const bytes: unknown = data && payload.data;
  if (!isUint8Array(bytes) || bytes.length === 0) return [PayloadProto.encode(payload).finish()];
  const before = Object.create(null, metadata ? { metadata } : {}) as Payload;
  const after = Object.create(Object.getPrototypeOf(payload) as object, others as PropertyDescriptorMap) as Payload;
  return [
    PayloadProto.encode(before).uint32(DATA_TAG).uint32(bytes.length).finish(),
    bytes,
    PayloadProto.encode(after).finish(),
  ];
}

/**
 * Copies the pieces into one new buffer and hashes it on the way, a chunk between yields: each chunk is read once, and
 * what is hashed is what is sent, even if the payload's owner changes it meanwhile.
 */
export function* concatAndHash({
  pieces,
  size,
}: EncodedPayload): Generator<void, { bytes: Uint8Array; digest: string }> {
  const bytes = Buffer.allocUnsafe(size);
  const hash = createHash(HASH_ALGORITHM);
  let end = 0;
  for (const piece of pieces) {
    for (let start = 0; start < piece.length; start += CHUNK_SIZE) {
      const chunk = piece.subarray(start, start + CHUNK_SIZE);
      bytes.set(chunk, end);
      hash.update(bytes.subarray(end, (end += chunk.length)));
      yield;
    }
  }
  // The rest of the buffer would be whatever this process had in memory.
  if (end !== size) throw new ValueError('Payload data was detached or resized while it was being stored');
  return { bytes, digest: hash.digest('hex') };
}
