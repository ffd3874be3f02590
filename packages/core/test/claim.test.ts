import { StorageDriverClaim, ValueError } from '@temporalio/common';
import { createClaim, parseClaim } from '../src/claim';

const digest = 'a'.repeat(64);
const otherDigest = 'b'.repeat(64);
const key = `temporalio:payloads:v0:d:sha256:${digest}`;

function parse(claimData: unknown): ReturnType<typeof parseClaim> {
  return parseClaim({ claimData } as StorageDriverClaim);
}

describe('a claim', () => {
  it("has the fields of the Python driver's claims, and the size in bytes", () => {
    const claim = createClaim({ key, digest, size: 5 });
    expect(claim).toBeInstanceOf(StorageDriverClaim);
    expect(claim.claimData).toEqual({ key, hash_algorithm: 'sha256', hash_value: digest, size: '5' });
  });

  it('can be parsed back', () => {
    expect(parseClaim(createClaim({ key, digest, size: 5 }))).toEqual({ key, digest, size: 5 });
  });

  it.each([undefined, '', '-1', '1.5', '1e3', ' 5', '5 MiB', 'Infinity', '9'.repeat(16), 5, null, {}])(
    'has no size if its size field is %p',
    (size) => {
      expect(parse({ key, size })).toEqual({ key, digest, size: undefined });
    },
  );

  it('may contain a key with any prefix', () => {
    expect(parse({ key: `elsewhere:v0:d:sha256:${digest}` }).key).toBe(`elsewhere:v0:d:sha256:${digest}`);
    expect(parse({ key: `v0:d:sha256:${digest}` }).key).toBe(`v0:d:sha256:${digest}`);
  });

  it('has the digest of its hash_value, or of its key if there is no hash_value', () => {
    expect(parse({ key, hash_algorithm: 'sha256', hash_value: otherDigest }).digest).toBe(otherDigest);
    expect(parse({ key }).digest).toBe(digest);
    expect(parse({ key, hash_algorithm: '', hash_value: '' }).digest).toBe(digest);
  });

  it.each([
    ['no data', undefined, 'claim has no key: claimData.key is undefined'],
    ['no key', {}, 'claim has no key: claimData.key is undefined'],
    ['an empty key', { key: '' }, "claim has no key: claimData.key is ''"],
    ['a key that is not a string', { key: 1 }, 'claim has no key: claimData.key is 1'],
    [
      'a key of other data',
      { key: 'session:1', hash_value: digest },
      "claim key is not in this driver's key format [key='session:1']",
    ],
    [
      'a prototype name as its key',
      { key: '__proto__' },
      "claim key is not in this driver's key format [key='__proto__']",
    ],
    ['an unknown algorithm', { key, hash_algorithm: 'md5' }, `[key=${key}]: expected sha256, got 'md5'`],
    ['an algorithm in the wrong case', { key, hash_algorithm: 'SHA256' }, "expected sha256, got 'SHA256'"],
    ['a key that cannot be formatted', { key: { constructor: { name: { toString: 0 } } } }, 'is an object'],
    ['a hash_value that is not a string', { key, hash_value: 5 }, `hash_value must be a string, got 5 [key=${key}]`],
  ])('with %s is refused', (_title, claimData, message) => {
    expect(() => parse(claimData)).toThrow(ValueError);
    expect(() => parse(claimData)).toThrow(message);
  });

  it.each([
    ['in another format', 'x'.repeat(1_000_000)],
    ['in this format', `v0:wt:${'a'.repeat(10_000_000)}:wi:w:ri:r:d:sha256:${digest}`],
  ])('with a huge key %s is refused in a short message', (_title, huge) => {
    expect(() => parse({ key: huge })).toThrow(ValueError);
    expect(() => parse({ key: huge })).toThrow(/^.{1,500}$/s);
  });
});
