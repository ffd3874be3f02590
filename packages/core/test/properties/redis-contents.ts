import type { Payload } from '@temporalio/common';
import { InMemoryStorageDriverClient } from '../../src/testing';
import * as fc from 'fast-check';
import { computeDigest, encodeWithSdk, target } from './arbitraries';
import { buildReferenceKey } from './key-format';

/** Every value contains this text. */
export const SECRET = 'the-content-that-no-message-shows';

/** The client holds payloads and other data. */
export const client = new InMemoryStorageDriverClient();

/** Keys in the key format with correct values: one key without a target, and some with a target. */
export const payloadKeys = [undefined, ...fc.sample(target, { numRuns: 3, seed: 1 })].map((scope, i) =>
  put(encodeSecret(`payload ${i}`), (digest) => buildReferenceKey(i === 1 ? '' : 'temporalio:payloads', scope, digest)),
);

/** Keys in the key format with wrong values: another payload, bytes that are not a payload, and a list. */
export const corruptKeys = [
  put(encodeSecret('of another key'), () =>
    buildReferenceKey('p', undefined, computeDigest(Buffer.from('another payload'))),
  ),
  put(Buffer.from(`\x07${SECRET}`), (digest) => buildReferenceKey('p', undefined, digest)),
  put([SECRET], () => buildReferenceKey('p', undefined, computeDigest(Buffer.from('a list')))),
];

/** Keys of other data. Some of them look almost like keys of payloads. */
export const foreignKeys = [
  put(Buffer.from(SECRET), () => 'session:1'),
  put(Buffer.from(SECRET), () => '__proto__'),
  put(Buffer.from(SECRET), () => 'v0:d:sha256:'),
  put(encodeSecret('in upper case'), (digest) => `p:v0:d:sha256:${digest.toUpperCase()}`),
  put(encodeSecret('of sha512'), (digest) => `p:v0:d:sha512:${digest}${digest}`),
  put(encodeSecret('of v1'), (digest) => `p:v1:d:sha256:${digest}`),
  put(encodeSecret('without an id'), (digest) => `p:v0:wt:a:d:sha256:${digest}`),
  put(encodeSecret('of S3'), (digest) => `v0/ns/default/wt/a/wi/b/ri/c/d/sha256/${digest}`),
  put(encodeSecret('with a suffix'), (digest) => `p:v0:d:sha256:${digest}:size`),
];

/** The bytes at a key; undefined for a list and for an absent key. */
export function readBytes(key: string): Uint8Array | undefined {
  const value = client.entries.get(key)?.value;
  return Array.isArray(value) ? undefined : value;
}

function encodeSecret(text: string): Buffer {
  const payload: Payload = { metadata: { [SECRET]: Buffer.from(SECRET) }, data: Buffer.from(`${SECRET} ${text}`) };
  return encodeWithSdk(payload);
}

function put(value: Buffer | string[], createKey: (digest: string) => string): string {
  const key = createKey(computeDigest(Array.isArray(value) ? Buffer.alloc(0) : value));
  client.entries.set(key, { value, expiresAt: Infinity });
  return key;
}
