import { StorageDriverClaim, ValueError, type Payload } from '@temporalio/common';
import { InMemoryStorageDriverClient } from '../../src/testing';
import * as fc from 'fast-check';
import { RedisStorageDriver } from '../../src';
import * as arbitrary from './arbitraries';
import { computeDigest, encodeWithSdk } from './arbitraries';
import { expectNotToContain, catchRejection } from './rejection';

const NUM_RUNS = 1000;

describe('any payloads', () => {
  it('are stored as the SDK encodes them, and read back byte for byte', async () => {
    const call = fc.tuple(arbitrary.context, fc.array(arbitrary.payload, { maxLength: 4 }));
    await fc.assert(
      fc.asyncProperty(arbitrary.prefix, call, async (keyPrefix, [context, payloads]) => {
        const client = new InMemoryStorageDriverClient();
        const claims = await new RedisStorageDriver({ client, keyPrefix }).store(context, payloads);
        const stored = claims.map(({ claimData }) => client.entries.get(claimData['key']!)?.value as Uint8Array);
        const read = await new RedisStorageDriver({ client }).retrieve({}, claims.map(sendThroughHistory));

        expect(stored.map(toHex)).toEqual(payloads.map(encodeWithSdk).map(toHex));
        expect(read.map(readContent)).toEqual(payloads.map(readContent));
        expect(read.map(encodeWithSdk).map(toHex)).toEqual(stored.map(toHex));
      }),
      { numRuns: 2 * NUM_RUNS },
    );
  });

  it('that differ in one bit have different keys', async () => {
    const payloads = fc
      .tuple(
        arbitrary.payload.filter((payload) => splitParts(payload).length > 0),
        fc.nat(),
      )
      .map(([payload, position]) => [payload, flipBitIn(payload, position)] as const);
    await fc.assert(
      fc.asyncProperty(payloads, arbitrary.context, arbitrary.context, async ([one, other], context, otherContext) => {
        const driver = new RedisStorageDriver({ client: new InMemoryStorageDriverClient() });
        const claimsOfOne = [...(await driver.store(context, [one])), ...(await driver.store(otherContext, [one]))];
        const claimsOfOther = await driver.store(context, [other, one]);

        for (const { claimData } of claimsOfOne) {
          expect(claimData['key']).not.toBe(claimsOfOther[0]!.claimData['key']);
        }
        expect(claimsOfOther[1]).toEqual(claimsOfOne[0]);
        expect((await driver.retrieve({}, claimsOfOther)).map(readContent)).toEqual([other, one].map(readContent));
      }),
      { numRuns: 2 * NUM_RUNS },
    );
  });
});

describe('a stored value', () => {
  const secret = 'the-content-that-no-message-shows';
  const payloadWithSecret = fc
    .record({ payload: arbitrary.payload, end: arbitrary.bytes })
    .map(({ payload, end }): Payload => ({ ...payload, data: Buffer.concat([Buffer.from(secret), end]) }));
  const moreBytes = fc.uint8Array({ minLength: 1 });

  it.each([
    ['that was truncated', (value: Buffer, position: number) => value.subarray(0, position % value.length)],
    ['that lost its first bytes', (value: Buffer, position: number) => value.subarray(1 + (position % value.length))],
    ['with a flipped bit', (value: Buffer, position: number) => flipBit(value, position)],
    ['with appended bytes', (value: Buffer, _position: number, more: Uint8Array) => Buffer.concat([value, more])],
    ['with prepended bytes', (value: Buffer, _position: number, more: Uint8Array) => Buffer.concat([more, value])],
    ['with a repeated field', (value: Buffer) => Buffer.concat([value, encodeWithSdk({ data: Buffer.from('x') })])],
    [
      'that belongs to another payload',
      (_value: Buffer, _position: number, more: Uint8Array) => encodeWithSdk({ data: more }),
    ],
  ])('%s is always refused', async (_title, damage) => {
    await fc.assert(
      fc.asyncProperty(payloadWithSecret, fc.nat(), moreBytes, async (payload, position, more) => {
        const client = new InMemoryStorageDriverClient();
        const driver = new RedisStorageDriver({ client });
        const [claim] = await driver.store({}, [payload]);
        const key = claim!.claimData['key']!;
        const damaged = damage(encodeWithSdk(payload), position, more);
        client.entries.set(key, { value: damaged, expiresAt: Infinity });

        for (const claimData of [claim!.claimData, { key }]) {
          const error = await catchRejection(driver.retrieve({}, [new StorageDriverClaim(claimData)]));
          expect(error).toBeInstanceOf(ValueError);
          expect(error.message).toBe(
            `RedisStorageDriver integrity check failed [key=${key}]: ` +
              `expected sha256:${computeDigest(encodeWithSdk(payload))}, got sha256:${computeDigest(damaged)}`,
          );
          expectNotToContain(secret, error);
        }
      }),
      { numRuns: NUM_RUNS },
    );
  });
});

/** Serializes a claim to JSON and back, as Event History does. */
function sendThroughHistory({ claimData }: StorageDriverClaim): StorageDriverClaim {
  return new StorageDriverClaim(JSON.parse(JSON.stringify(claimData)) as Record<string, string>);
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** The payload's content in a form that can be compared. To Protobuf, empty data and missing data are equal. */
function readContent({ metadata, data }: Payload): { metadata: Map<string, string>; data: string } {
  const entries = Object.entries(metadata ?? {}).map(([name, value]) => [name, toHex(value)] as const);
  return { metadata: new Map(entries), data: toHex(data ?? new Uint8Array()) };
}

/** The byte arrays of a payload that are not empty. */
function splitParts({ metadata, data }: Payload): Uint8Array[] {
  return [...Object.values(metadata ?? {}), data ?? new Uint8Array()].filter(({ length }) => length > 0);
}

function flipBitIn(payload: Payload, position: number): Payload {
  const copy = structuredClone(payload);
  const parts = splitParts(copy);
  flipBit(parts[position % parts.length]!, Math.floor(position / parts.length));
  return copy;
}

/** Flips one bit in place. */
function flipBit(bytes: Uint8Array, position: number): Uint8Array {
  const index = position % (8 * bytes.length);
  bytes[index >> 3]! ^= 1 << (index & 7);
  return bytes;
}
