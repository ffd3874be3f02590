import { ApplicationFailure, StorageDriverClaim, ValueError, type Payload } from '@temporalio/common';
import * as fc from 'fast-check';
import { RedisStorageDriver, RedisStorageDriverError } from '../../src';
import { computeDigest, encodeWithSdk } from './arbitraries';
import { claim, otherFields } from './claim-arbitraries';
import { findReferenceDigest } from './key-format';
import { readBytes, client, payloadKeys, SECRET } from './redis-contents';
import { expectNotToContain, catchRejection } from './rejection';

const NUM_RUNS = 10_000;

const driver = new RedisStorageDriver({ client });
const get = jest.spyOn(client, 'get');

describe('any claim data', () => {
  it('makes the driver read only keys in the key format and return only bytes with the right digest', async () => {
    const outcomes = new Set<string>();
    await fc.assert(
      fc.asyncProperty(claim, async (claimed) => {
        get.mockClear();
        const outcome = await getOutcome(driver.retrieve({}, [claimed]));

        for (const [key] of get.mock.calls) expect(findReferenceDigest(key)).toBeDefined();
        expectNotToContain(SECRET, outcome.error);
        expect(outcome.payloads?.map(encodeWithSdk)).toEqual(outcome.payloads && [readClaimedBytes(claimed)]);
        outcomes.add(getErrorName(outcome));
      }),
      { numRuns: NUM_RUNS },
    );
    expect([...outcomes].toSorted()).toEqual([
      'PayloadNotFoundError',
      'RedisStorageDriverError',
      'ValueError',
      'payloads',
    ]);
  });

  it('with a key in another format causes a ValueError before any claim of the call is read', async () => {
    const goodClaims = fc.array(fc.constantFrom(...payloadKeys).map(createClaimFor), { maxLength: 2 });
    const badClaim = claim.filter(({ claimData }) => findReferenceDigest(getKey(claimData)) === undefined);
    await fc.assert(
      fc.asyncProperty(goodClaims, badClaim, goodClaims, async (before, bad, after) => {
        get.mockClear();
        const error = await catchRejection(driver.retrieve({}, [...before, bad, ...after]));
        expect(error).toBeInstanceOf(ValueError);
        expect(get).not.toHaveBeenCalled();
      }),
      { numRuns: NUM_RUNS },
    );
  });

  it('in unknown fields of a claim is ignored', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...payloadKeys), otherFields, async (key, others) => {
        const claimData = { ...others, ...createClaimFor(key).claimData } as Record<string, string>;
        const payloads = await driver.retrieve({}, [new StorageDriverClaim(claimData)]);
        expect(payloads.map(encodeWithSdk)).toEqual([readBytes(key)]);
      }),
      { numRuns: NUM_RUNS / 5 },
    );
  });
});

function createClaimFor(key: string): StorageDriverClaim {
  return new StorageDriverClaim({ key, hash_algorithm: 'sha256', hash_value: findReferenceDigest(key)! });
}

function getKey(claimData: unknown): string {
  const { key } = (claimData ?? {}) as { key?: unknown };
  return typeof key === 'string' ? key : '';
}

/** The bytes at a claim's key if they have the digest in `hash_value`, or in the key without it; else `undefined`. */
function readClaimedBytes({ claimData: { key, hash_value: digest } }: StorageDriverClaim): Uint8Array | undefined {
  const bytes = readBytes(key!);
  return bytes && computeDigest(bytes) === (digest || findReferenceDigest(key!)) ? bytes : undefined;
}

interface Outcome {
  payloads?: Payload[];
  error?: unknown;
}

async function getOutcome(call: Promise<Payload[]>): Promise<Outcome> {
  try {
    return { payloads: await call };
  } catch (error) {
    return { error };
  }
}

/** Throws the error of the outcome if it is not a documented error. */
function getErrorName({ payloads, error }: Outcome): string {
  if (payloads !== undefined) return 'payloads';
  if (error instanceof ValueError) return 'ValueError';
  if (error instanceof RedisStorageDriverError) return 'RedisStorageDriverError';
  if (error instanceof ApplicationFailure && error.nonRetryable) return String(error.type);
  throw error;
}
