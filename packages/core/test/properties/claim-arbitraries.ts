import type { StorageDriverClaim } from '@temporalio/common';
import * as fc from 'fast-check';
import { digest, computeDigest, PROTOTYPE_NAMES, target, unicode } from './arbitraries';
import { buildReferenceKey } from './key-format';
import { readBytes, foreignKeys, payloadKeys, corruptKeys } from './redis-contents';

const storedKeys = [...payloadKeys, ...corruptKeys, ...foreignKeys];
const storedDigests = storedKeys.map((key) => computeDigest(readBytes(key) ?? new Uint8Array()));

const storedKey = fc.constantFrom(...storedKeys);

const absentKey = fc.tuple(target, digest).map((parts) => buildReferenceKey('p', ...parts));

/** A key that was changed, and is usually invalid. */
const alteredKey = fc
  .record({
    key: fc.oneof(storedKey, absentKey),
    piece: fc.constantFrom('', '\0', '\n', ' ', ':', '%', 'a', '0', 'é', '\ud800', ':v0'),
    at: fc.nat(300),
  })
  .chain(({ key, piece, at }) =>
    fc.constantFrom(
      key + piece,
      piece + key,
      key.slice(0, at) + piece + key.slice(at),
      key.slice(0, at) + piece + key.slice(at + 1),
      key.slice(0, -1),
      key.slice(at),
      key.toUpperCase(),
    ),
  );

const hugeText = fc
  .record({
    piece: fc.string({ minLength: 1, maxLength: 5 }),
    times: fc.nat(50_000),
    end: fc.oneof(storedKey, unicode),
  })
  .map(({ piece, times, end }) => piece.repeat(times) + end);

const nonString = fc.oneof(
  fc.constantFrom(null, undefined, 0, 1, -0, NaN, 5n, true, false, Symbol('key'), () => 'key', new String('key')),
  fc.array(storedKey, { maxLength: 2 }),
  fc.dictionary(fc.constantFrom('key', ...PROTOTYPE_NAMES), fc.oneof(unicode, fc.integer(), fc.constant(null))),
  fc.constant({ constructor: { name: { toString: 0 } } }),
  fc.uint8Array(),
);

const anything = fc.oneof(
  { weight: 5, arbitrary: unicode },
  { weight: 5, arbitrary: fc.constantFrom('', ...PROTOTYPE_NAMES) },
  { weight: 5, arbitrary: nonString },
  { weight: 1, arbitrary: hugeText },
);

const claimFields = fc.record(
  {
    key: fc.oneof(
      { weight: 4, arbitrary: storedKey },
      { weight: 2, arbitrary: absentKey },
      { weight: 3, arbitrary: alteredKey },
      { weight: 1, arbitrary: anything },
    ),
    hash_algorithm: fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom('sha256', '') },
      { weight: 1, arbitrary: fc.constantFrom('SHA256', ' sha256', 'md5', 'sha512') },
      { weight: 1, arbitrary: anything },
    ),
    hash_value: fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom('', ...storedDigests) },
      { weight: 1, arbitrary: fc.constantFrom(...storedDigests.map((hex) => hex.toUpperCase())) },
      { weight: 1, arbitrary: digest },
      { weight: 1, arbitrary: anything },
    ),
    size: fc.oneof(
      fc.constantFrom('', '0', '-1', '1e9', '0x10', ' 5', '9'.repeat(15), '9'.repeat(400)),
      fc.nat().map(String),
      anything,
    ),
  },
  { requiredKeys: [] },
);

const otherName = fc.oneof(fc.constantFrom('Key', 'KEY', 'hashValue', 'HASH_VALUE', ...PROTOTYPE_NAMES), unicode);

/** Fields that the driver's claims don't have. */
export const otherFields = fc.dictionary(otherName, anything, { maxKeys: 3 });

/** A claim with any data: almost valid, invalid in any field, or not an object. */
export const claim = fc
  .oneof(
    { weight: 15, arbitrary: fc.tuple(otherFields, claimFields).map(([others, fields]) => ({ ...others, ...fields })) },
    { weight: 1, arbitrary: anything },
  )
  .map((claimData) => ({ claimData }) as unknown as StorageDriverClaim);
