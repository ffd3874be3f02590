import { createHash } from 'node:crypto';
import type { Payload, StorageDriverStoreContext, StorageDriverTargetInfo } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import * as fc from 'fast-check';

const PayloadProto = temporal.api.common.v1.Payload;

export function encodeWithSdk(payload: Payload): Buffer {
  return Buffer.from(PayloadProto.encode(payload).finish());
}

export function computeDigest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Names that JavaScript objects inherit or treat specially. */
export const PROTOTYPE_NAMES = ['__proto__', 'constructor', 'prototype', 'toString', 'valueOf', 'hasOwnProperty'];

/** Any well-formed Unicode string, including empty strings and astral characters. */
export const unicode = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.string());

/** Any string that holds a lone surrogate. */
export const illFormed = fc
  .tuple(unicode, fc.integer({ min: 0xd800, max: 0xdfff }), unicode)
  .map(([before, surrogate, after]) => before + String.fromCharCode(surrogate) + after);

/** Any bytes; most arrays are short. */
export const bytes = fc.oneof(
  { weight: 19, arbitrary: fc.uint8Array() },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 100, maxLength: 5000, size: 'max' }) },
);

const metadataName = fc.oneof(unicode, fc.constantFrom('', 'encoding', '0', '10', 'ключ', '😀', ...PROTOTYPE_NAMES));

/** Any payload; metadata and data may be missing. */
export const payload: fc.Arbitrary<Payload> = fc.record(
  { metadata: fc.dictionary(metadataName, bytes), data: bytes },
  { requiredKeys: [] },
);

/** Texts made of pieces of keys, so that two of them are often almost equal. */
const keyLike = fc
  .array(fc.constantFrom('null', 'a', 'A', ':', '%', '%3A', ':ri:', 'wi', '/', '!', 'é', 'e\u0301', '\0', ' '), {
    maxLength: 3,
  })
  .map((pieces) => pieces.join(''));

export const identifier = fc.oneof(keyLike, unicode);

/** Any workflow or activity; type, id and run id may be missing, and everything may be empty. */
export const target: fc.Arbitrary<StorageDriverTargetInfo> = fc.record(
  {
    kind: fc.constantFrom('workflow', 'activity'),
    namespace: identifier,
    type: identifier,
    id: identifier,
    runId: identifier,
  },
  { requiredKeys: ['kind', 'namespace'] },
);

/** The target of a payload: a workflow, an activity, or no target. */
export const scope = fc.option(target, { nil: undefined });

export const context: fc.Arbitrary<StorageDriverStoreContext> = fc.record({ target }, { requiredKeys: [] });

/** Any value of the option `keyPrefix`. */
export const prefix = fc.oneof(unicode, fc.constantFrom('', ':', 'a:v0', 'v0:wt:a:wi:b:ri', 'temporalio:payloads'));

export const digest = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((raw) => Buffer.from(raw).toString('hex'));
