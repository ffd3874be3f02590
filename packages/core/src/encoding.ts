import { createHash } from 'node:crypto';
import { isUint8Array } from 'node:util/types';
import { ValueError, type Payload } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import type { PayloadLocation } from './claim';
import { CHUNK_SIZE, HASH_ALGORITHM } from './digest';
import { formatKey } from './format-value';

const PayloadProto = temporal.api.common.v1.Payload;

/** Field number 2, length-delimited. */
const DATA_TAG = (2 << 3) | 2;

/** A serialized payload: its pieces, one after another, are the bytes of `Payload.encode(payload).finish()`. */
export interface EncodedPayload {
  pieces: Uint8Array[];
  /** In bytes. */
  size: number;
}

/**
 * Serializes a payload that can be stored and read back.
 *
 * @throws ValueError if it is larger than `maxPayloadSize` bytes, or has a metadata name without a UTF-8 form
 */
export function encodeChecked(payload: Payload, maxPayloadSize: number): EncodedPayload {
  const encoded = encodePayload(payload);
  if (encoded.size > maxPayloadSize) {
    throw new ValueError(
      `Payload size ${encoded.size} bytes exceeds the configured maxPayloadSize of ${maxPayloadSize} bytes`,
    );
  }
  if (!Object.keys(payload.metadata ?? {}).every((name) => name.isWellFormed())) {
    throw new ValueError('Payload has a metadata name with a lone surrogate: it could be stored, but not read back');
  }
  return encoded;
}

/** Serializes a payload without copying its `data`, which stays a separate piece: the encoder would copy it twice. */
export function encodePayload(payload: Payload): EncodedPayload {
  const pieces = splitPayload(payload);
  return { pieces, size: pieces.reduce((size, { length }) => size + length, 0) };
}

function splitPayload(payload: Payload): Uint8Array[] {
  const descriptors = Object.getOwnPropertyDescriptors(payload) as Record<string, PropertyDescriptor>;
  const { metadata, data, ...others } = descriptors;
  const bytes: unknown = data?.value;
  // An accessor may use `this`, so only the encoder itself reads such a payload.
  const isPlain = Object.values(descriptors).every((descriptor) => 'value' in descriptor);
  if (!isPlain || !isUint8Array(bytes) || bytes.length === 0) return [PayloadProto.encode(payload).finish()];
  const before = Object.create(null, metadata ? { metadata } : {}) as Payload;
  // Copies descriptors because unknown protobuf fields are non-enumerable.
  const after = Object.create(Object.getPrototypeOf(payload) as object, others) as Payload;
  return [
    PayloadProto.encode(before).uint32(DATA_TAG).uint32(bytes.length).finish(),
    // A subclass may have other methods.
    new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    PayloadProto.encode(after).finish(),
  ];
}

/**
 * Copies the pieces into one buffer, and hashes the copy, one chunk between yields. Each chunk is read once, so the
 * digest is that of the bytes which are sent, even if the payload's owner changes its data meanwhile.
 */
export function* concatAndHash<Bytes extends Uint8Array>(
  { pieces, size }: EncodedPayload,
  takeBuffer: (size: number) => Bytes,
): Generator<void, { bytes: Bytes; digest: string }> {
  const bytes = takeBuffer(size);
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
  // The rest of the buffer would hold other memory of this process.
  if (end !== size) throw new ValueError('Payload data was detached or resized while it was being stored');
  return { bytes, digest: hash.digest('hex') };
}

/**
 * The payload in stored bytes whose SHA-256 is `actual`.
 *
 * @throws ValueError if the claim has another digest, or the bytes are no payload
 */
export function decodeChecked(bytes: Uint8Array, { key, digest: expected }: PayloadLocation, actual: string): Payload {
  if (actual !== expected) {
    throw new ValueError(
      `RedisStorageDriver integrity check failed [key=${formatKey(key)}]: ` +
        `expected ${HASH_ALGORITHM}:${expected.slice(0, actual.length)}, got ${HASH_ALGORITHM}:${actual}`,
    );
  }
  try {
    return PayloadProto.decode(bytes);
  } catch (cause) {
    throw new ValueError(`RedisStorageDriver stored bytes are not a serialized Payload [key=${formatKey(key)}]`, cause);
  }
}
