import type { Payload } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import * as fc from 'fast-check';
import { CHUNK_SIZE } from '../../src/digest';
import { encodePayload, concatAndHash } from '../../src/encoding';
import * as arbitrary from './arbitraries';
import { computeDigest, encodeWithSdk } from './arbitraries';

const PayloadProto = temporal.api.common.v1.Payload;

/** Fields that only a newer SDK knows. protobufjs keeps them in `$unknowns`. */
const unknownFields = fc.array(
  arbitrary.bytes.map((data) => Buffer.concat([Buffer.from([0xa2, 0x06]), encodeVarint(data.length), data])),
  { maxLength: 3 },
);

const externalPayloads = fc.array(fc.record({ sizeBytes: fc.nat() }), { maxLength: 3 });

class PayloadClass {
  isPayload = (): boolean => true;
}

class ArraySpecies extends Uint8Array {
  static get [Symbol.species](): never {
    return Array as never;
  }
}

class ShortSubarray extends Uint8Array {
  override subarray(): never {
    return super.subarray(0, 1) as never;
  }
}

/** The same content in the forms in which a payload may come. */
const FORMS: Record<string, (fields: Payload) => object> = {
  'a plain object': (fields) => fields,
  'a protobufjs message': (fields) => PayloadProto.create(fields),
  'an instance of a class': (fields) => Object.assign(new PayloadClass(), fields),
  'an object without a prototype': (fields) => Object.assign(Object.create(null) as object, fields),
  'an object with inherited fields': (fields) => Object.create(fields) as object,
  'an object with getters': (fields) =>
    Object.defineProperties(
      {},
      Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, { get: () => value as unknown }])),
    ),
  'an object with getters that use this': (fields) =>
    Object.defineProperties(
      { fields },
      Object.fromEntries(
        Object.keys(fields).map((name) => [
          name,
          {
            enumerable: true,
            get(this: { fields: Record<string, unknown> }) {
              return this.fields[name];
            },
          },
        ]),
      ),
    ),
  'an object whose metadata alone is a getter that uses this': ({ metadata, ...others }) =>
    Object.defineProperty({ ...others, hidden: metadata }, 'metadata', {
      enumerable: true,
      get(this: { hidden: Payload['metadata'] }) {
        return this.hidden;
      },
    }),
  'a frozen object': (fields) => Object.freeze({ ...fields }),
};

describe('the bytes of any payload', () => {
  it.each(Object.keys(FORMS))('are equal to the bytes that the SDK encodes, given %s', (form) => {
    fc.assert(
      fc.property(arbitrary.payload, externalPayloads, unknownFields, (fields, external, unknown) => {
        const payload = FORMS[form]!({ ...fields, externalPayloads: external } as unknown as Payload) as Payload;
        if (Object.isExtensible(payload)) Object.defineProperty(payload, '$unknowns', { value: unknown });
        expect(describeDriverEncoding(payload)).toEqual(describeSdkEncoding(payload));
      }),
      { numRuns: 1000 },
    );
  });

  it('are equal to the bytes that the SDK encodes, for every type of data', () => {
    const whole = Buffer.from('xxdataxx');
    const data: unknown[] = [
      new Uint8Array([1, 2]),
      whole.subarray(2, 6),
      [1, 2, 3],
      'ZGF0YQ==',
      new Uint8Array(),
      ArraySpecies.of(1, 2, 3),
      ShortSubarray.of(1, 2, 3),
      null,
      undefined,
    ];
    for (const bytes of data) {
      const payload = { metadata: { a: Buffer.from('b') }, data: bytes } as Payload;
      expect(describeDriverEncoding(payload)).toEqual(describeSdkEncoding(payload));
    }
  });

  it.each([1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 3 * CHUNK_SIZE, 20 * 1024 * 1024])(
    'are equal to the bytes that the SDK encodes, for %d bytes of data',
    (length) => {
      const payload = { metadata: { a: Buffer.from('b') }, data: Buffer.alloc(length, 'data') };
      expect(describeDriverEncoding(payload)).toEqual(describeSdkEncoding(payload));
    },
  );
});

interface EncodingResult {
  size: number;
  /** The digest that this test computes from the bytes. */
  bytes: string;
  digest: string;
}

function describeDriverEncoding(payload: Payload): EncodingResult {
  const form = encodePayload(payload);
  const { bytes, digest } = runToEnd(concatAndHash(form, (size) => Buffer.allocUnsafe(size)));
  return { size: form.size, bytes: computeDigest(bytes), digest };
}

function describeSdkEncoding(payload: Payload): EncodingResult {
  const bytes = encodeWithSdk(payload);
  return { size: bytes.length, bytes: computeDigest(bytes), digest: computeDigest(bytes) };
}

function runToEnd<Result>(steps: Iterator<void, Result>): Result {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

function encodeVarint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  return Buffer.from([...bytes, value]);
}
