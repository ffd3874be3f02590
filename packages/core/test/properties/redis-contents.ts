import type { Payload } from '@temporalio/common';
import { InMemoryStorageDriverClient } from '../../src/testing';
import * as fc from 'fast-check';
import { computeDigest, encoded, target } from './arbitraries';
import { buildReferenceKey } from './key-format';

/** Part of every value. */
export const SECRET = 'the-content-that-no-message-shows';

/** Holds payloads, and what else a Redis may hold. */
export const client = new InMemoryStorageDriverClient();

/** Keys of the scheme whose values are what they should be: of no target, and of some. */
export const payloadKeys = [undefined, ...fc.sample(target, { numRuns: 3, seed: 1 })].map((scope, i) =>
  put(encodedSecret(`payload ${i}`), (digest) =>
    buildReferenceKey(i === 1 ? '' : 'temporalio:payloads', scope, digest),
  ),
);

/** Keys of the scheme whose values are something else: another payload, no payload, a list. */
export const corruptKeys = [
  put(encodedSecret('of another key'), () =>
    buildReferenceKey('p', undefined, computeDigest(Buffer.from('another payload'))),
  ),
  put(Buffer.from(`\x07${SECRET}`), (digest) => buildReferenceKey('p', undefined, digest)),
  put([SECRET], () => buildReferenceKey('p', undefined, computeDigest(Buffer.from('a list')))),
];

/** Keys of other data, some of it named much like a payload. */
export const foreignKeys = [
  put(Buffer.from(SECRET), () => 'session:1'),
  put(Buffer.from(SECRET), () => '__proto__'),
  put(Buffer.from(SECRET), () => 'v0:d:sha256:'),
  put(encodedSecret('in upper case'), (digest) => `p:v0:d:sha256:${digest.toUpperCase()}`),
  put(encodedSecret('of sha512'), (digest) => `p:v0:d:sha512:${digest}${digest}`),
  put(encodedSecret('of v1'), (digest) => `p:v1:d:sha256:${digest}`),
  put(encodedSecret('without an id'), (digest) => `p:v0:wt:a:d:sha256:${digest}`),
  put(encodedSecret('of S3'), (digest) => `v0/ns/default/wt/a/wi/b/ri/c/d/sha256/${digest}`),
  put(encodedSecret('with something behind it'), (digest) => `p:v0:d:sha256:${digest}:size`),
];

/** The bytes at a key; undefined for a list and for an absent key. */
export function bytesAt(key: string): Uint8Array | undefined {
  const value = client.entries.get(key)?.value;
  return Array.isArray(value) ? undefined : value;
}

function encodedSecret(text: string): Buffer {
  const payload: Payload = { metadata: { [SECRET]: Buffer.from(SECRET) }, data: Buffer.from(`${SECRET} ${text}`) };
  return encoded(payload);
}

function put(value: Buffer | string[], keyOf: (digest: string) => string): string {
  const key = keyOf(computeDigest(Array.isArray(value) ? Buffer.alloc(0) : value));
  client.entries.set(key, { value, expiresAt: Infinity });
  return key;
}
