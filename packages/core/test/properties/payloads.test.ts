import { StorageDriverClaim, ValueError, type Payload } from '@temporalio/common';
import { InMemoryStorageDriverClient } from '../../src/testing';
import * as fc from 'fast-check';
import { RedisStorageDriver } from '../../src';
import * as arbitrary from './arbitraries';
import { computeDigest, encoded } from './arbitraries';
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

        expect(stored.map(toHex)).toEqual(payloads.map(encoded).map(toHex));
        expect(read.map(readContent)).toEqual(payloads.map(readContent));
        expect(read.map(encoded).map(toHex)).toEqual(stored.map(toHex));
      }),
      { numRuns: 2 * NUM_RUNS },
    );
  });

  it('that differ in one bit never share a key', async () => {
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
    ['that was cut', (value: Buffer, position: number) => value.subarray(0, position % value.length)],
    ['that lost its beginning', (value: Buffer, position: number) => value.subarray(1 + (position % value.length))],
    ['with a bit flipped', (value: Buffer, position: number) => flipBit(value, position)],
    ['with bytes behind it', (value: Buffer, _position: number, more: Uint8Array) => Buffer.concat([value, more])],
    ['with bytes before it', (value: Buffer, _position: number, more: Uint8Array) => Buffer.concat([more, value])],
    ['with a field that is set again', (value: Buffer) => Buffer.concat([value, encoded({ data: Buffer.from('x') })])],
    ["that is another payload's", (_value: Buffer, _position: number, more: Uint8Array) => encoded({ data: more })],
  ])('%s is always refused', async (_title, damage) => {
    await fc.assert(
      fc.asyncProperty(payloadWithSecret, fc.nat(), moreBytes, async (payload, position, more) => {
        const client = new InMemoryStorageDriverClient();
        const driver = new RedisStorageDriver({ client });
        const [claim] = await driver.store({}, [payload]);
        const key = claim!.claimData['key']!;
        const damaged = damage(encoded(payload), position, more);
        client.entries.set(key, { value: damaged, expiresAt: Infinity });

        for (const claimData of [claim!.claimData, { key }]) {
          const error = await catchRejection(driver.retrieve({}, [new StorageDriverClaim(claimData)]));
          expect(error).toBeInstanceOf(ValueError);
          expect(error.message).toBe(
            `RedisStorageDriver integrity check failed [key=${key}]: ` +
              `expected sha256:${computeDigest(encoded(payload))}, got sha256:${computeDigest(damaged)}`,
          );
          expectNotToContain(secret, error);
        }
      }),
      { numRuns: NUM_RUNS },
    );
  });
});

/** A claim as it comes back from Event History. */
function sendThroughHistory({ claimData }: StorageDriverClaim): StorageDriverClaim {
  return new StorageDriverClaim(JSON.parse(JSON.stringify(claimData)) as Record<string, string>);
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** What a payload holds, whatever its encoder makes of it. To Protobuf, empty and missing are one. */
function readContent({ metadata, data }: Payload): { metadata: Map<string, string>; data: string } {
  const entries = Object.entries(metadata ?? {}).map(([name, value]) => [name, toHex(value)] as const);
  return { metadata: new Map(entries), data: toHex(data ?? new Uint8Array()) };
}

/** The byte strings of a payload that hold any. */
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
