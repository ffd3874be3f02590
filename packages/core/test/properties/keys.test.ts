import { ValueError } from '@temporalio/common';
import { InMemoryStorageDriverClient } from '../../src/testing';
import * as fc from 'fast-check';
import { RedisStorageDriver } from '../../src';
import { buildKey, findDigest, parseKey } from '../../src/key';
import * as arbitrary from './arbitraries';
import { findReferenceDigest, parseReferenceKey, buildReferenceKey, describeScope } from './key-format';
import { targetPair } from './target-pairs';

const NUM_RUNS = 5000;
/** Near the longest key that is looked at, even four times over. */
const LONG = 200 * 1024;

const hex = 'c0ffee'.padEnd(64, '0');
const tail = `:d:sha256:${hex}`;

describe('the key of any target', () => {
  const keyParts = fc.tuple(arbitrary.prefix, arbitrary.scope, arbitrary.digest);

  it('is equal to the key in the specification', () => {
    fc.assert(
      fc.property(keyParts, (parts) => {
        expect(buildKey(...parts)).toBe(buildReferenceKey(...parts));
      }),
      { numRuns: NUM_RUNS },
    );
  });

  it('can be parsed back into that target', () => {
    fc.assert(
      fc.property(keyParts, ([prefix, target, digest]) => {
        expect(parseReferenceKey(prefix, buildKey(prefix, target, digest))).toEqual({
          scope: describeScope(target),
          digest,
        });
      }),
      { numRuns: NUM_RUNS },
    );
  });

  it('contains the digest, with any prefix', () => {
    fc.assert(
      fc.property(keyParts, ([prefix, target, digest]) => {
        expect(findDigest(buildKey(prefix, target, digest))).toBe(digest);
      }),
      { numRuns: NUM_RUNS },
    );
  });

  it('can be parsed by parseKey if the prefix contains no part of a key', () => {
    const plainPrefix = fc.constantFrom('', 'a', 'temporalio:payloads', 'v1', ':', 'é');
    fc.assert(
      fc.property(fc.tuple(plainPrefix, arbitrary.scope, arbitrary.digest), ([prefix, target, digest]) => {
        const parsed = parseKey(buildKey(prefix, target, digest));
        expect(parsed).toMatchObject({ prefix, digest });
        expect(describeScope(parsed?.target)).toEqual(describeScope(target));
      }),
      { numRuns: NUM_RUNS },
    );
  });

  it("is unique to that target, except that a missing name, an empty name and 'null' are equal", () => {
    fc.assert(
      fc.property(targetPair, ({ one, other }) => {
        const areEqual = JSON.stringify(describeScope(one)) === JSON.stringify(describeScope(other));
        expect(buildKey('p', one, hex) === buildKey('p', other, hex)).toBe(areEqual);
      }),
      { numRuns: NUM_RUNS },
    );
  });
});

describe('a lone surrogate', () => {
  it('in any field of a target causes a ValueError before any write', async () => {
    const client = new InMemoryStorageDriverClient();
    const driver = new RedisStorageDriver({ client });
    const targetWithOne = fc
      .record({
        target: arbitrary.target,
        field: fc.constantFrom('namespace', 'type', 'id', 'runId'),
        text: arbitrary.illFormed,
      })
      .map(({ target, field, text }) => ({ ...target, [field]: text }));
    await fc.assert(
      fc.asyncProperty(targetWithOne, async (target) => {
        await expect(driver.store({ target }, [{ data: Buffer.from('payload') }])).rejects.toThrow(ValueError);
        expect(client.entries.size).toBe(0);
      }),
      { numRuns: NUM_RUNS },
    );
  });

  it('in the prefix causes a ValueError', () => {
    const client = new InMemoryStorageDriverClient();
    fc.assert(
      fc.property(arbitrary.illFormed, (keyPrefix) => {
        expect(() => new RedisStorageDriver({ client, keyPrefix })).toThrow(ValueError);
      }),
      { numRuns: NUM_RUNS },
    );
  });
});

describe('a text made of pieces of keys', () => {
  const pairs = fc
    .array(fc.constantFrom('v0', 'ns:a', 'wt:a', 'wi:%41', 'at:~', 'ai:v0', 'ri:a', 'ri:', 'ns:%'), {
      maxLength: 7,
    })
    .map((all) => all.join(':'));
  const pieces = fc
    .array(fc.constantFrom('v0', ':', ':v0', ':ns:', ':wt:', ':wi:', ':ri:', 'a', '%41', '%4', '\n', 'é'), {
      maxLength: 12,
    })
    .map((all) => all.join(''));
  const name = fc.constantFrom('a', '~', '%41', '%4a', '%4', '', 'é');
  const almostKeys = fc.tuple(name, name, name).map(([type, id, runId]) => `v0:wt:${type}:wi:${id}:ri:${runId}`);
  const start = fc.oneof(pairs, pieces, almostKeys);
  const end = fc.constantFrom('', ':d:sha256:', tail, `${tail}0`, `${tail}\n`);

  it('is a key exactly if the specification says so', () => {
    fc.assert(
      fc.property(fc.tuple(start, end), (parts) => {
        const key = parts.join('');
        expect(findDigest(key)).toBe(findReferenceDigest(key));
      }),
      { numRuns: 4 * NUM_RUNS },
    );
  });

  it('is a key exactly if the specification says so, even if it is very long', () => {
    const middle = start.filter((text) => text !== '').map((text) => text.repeat(LONG / text.length));
    fc.assert(
      fc.property(fc.tuple(start, fc.noShrink(middle), end), (parts) => {
        const key = parts.join('');
        // A matcher on the key itself would print the key.
        expect(findDigest(key) === findReferenceDigest(key)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});

// The regular expression is tried at every `:v0`, but each attempt reads at most four names and never backtracks into one,
// so the number of steps grows linearly with the length of the key.
describe('a very long key', () => {
  const long = 'a'.repeat(LONG);

  it.each([
    ['with a long prefix', `${long}:v0${tail}`],
    ['with a prefix of colons', `${':'.repeat(LONG)}v0${tail}`],
    ['with a prefix of versions', `${'v0:'.repeat(LONG / 2)}v0${tail}`],
    ['with one long name', `v0:wt:${long}:wi:a:ri:a${tail}`],
    ['with a long name of escapes', `v0:wt:${'%41'.repeat(LONG / 2)}:wi:a:ri:a${tail}`],
    ['with four long names', `v0:ns:${long}:wt:${long}:wi:${long}:ri:${long}${tail}`],
  ])('%s is in the key format', (_title, key) => {
    expect(findDigest(key)).toBe(hex);
  });

  it.each([
    ['that ends in a long name', `v0:ns:${long}`],
    ['with half an escape after a long name', `v0:ns:${long}%:wt:a:wi:a:ri:a${tail}`],
    ['with four long names and a digest that is too long', `v0:ns:${long}:wt:${long}:wi:${long}:ri:${long}${tail}0`],
    ['that ends in a long name of escapes', `v0:ns:${'%41'.repeat(LONG / 2)}`],
    ['with a long name of half escapes', `v0:ns:${'%4'.repeat(LONG / 2)}:wt:a:wi:a:ri:a${tail}`],
    ['made of keys without digests', `:v0:ns:a:wt:a:wi:a:ri:a:d:sha256:`.repeat(LONG / 32)],
    ['made of keys whose digests are too long', `:v0${tail}0`.repeat(LONG / 64)],
    ['made of names that could each start a key', ':v0:ns:v0:wt:v0:wi:v0:ri'.repeat(LONG / 16)],
  ])('%s is not in the key format', (_title, key) => {
    expect(findDigest(key)).toBeUndefined();
  });
});
