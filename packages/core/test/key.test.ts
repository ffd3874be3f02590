import { createHash } from 'node:crypto';
import { ValueError, type StorageDriverTargetInfo } from '@temporalio/common';
import { findDigest, buildKey } from '../src/key';

const digest = createHash('sha256').update('payload').digest('hex');

describe('buildKey', () => {
  it.each([
    ['namespace', { kind: 'workflow', namespace: '\ud800' }],
    ['workflow id', { kind: 'workflow', namespace: 'ns', id: 'a\udc00' }],
    ['activity type', { kind: 'activity', namespace: 'ns', type: '\ud83d!' }],
    ['run id', { kind: 'activity', namespace: 'ns', runId: '\udfff\ud800' }],
  ] satisfies [string, StorageDriverTargetInfo][])('refuses a lone surrogate in the %s', (field, target) => {
    expect(() => buildKey('p', target, digest)).toThrow(ValueError);
    expect(() => buildKey('p', target, digest)).toThrow(`The ${field} holds a lone surrogate`);
  });
});

describe('findDigest', () => {
  it.each([
    ['another format', 'session:1'],
    ['no characters', ''],
    ['only a digest', digest],
    ['no version', `p:d:sha256:${digest}`],
    ['another version', `p:v1:d:sha256:${digest}`],
    ['a version that ends in v0', `p:xv0:d:sha256:${digest}`],
    ['another algorithm', `p:v0:d:md5:${digest}`],
    ['upper-case hex', `p:v0:d:sha256:${digest.toUpperCase()}`],
    ['a short digest', `p:v0:d:sha256:${digest.slice(1)}`],
    ['a long digest', `p:v0:d:sha256:${digest}0`],
    ['a character after the digest', `p:v0:d:sha256:${digest}\n`],
    ['an unencoded character', `p:v0:ns:n s:wt:T:wi:w:ri:r:d:sha256:${digest}`],
    ['an empty id', `p:v0:ns:ns:wt:T:wi::ri:r:d:sha256:${digest}`],
    ['a broken escape', `p:v0:ns:ns:wt:T:wi:%2:ri:r:d:sha256:${digest}`],
    ['names of both a workflow and an activity', `p:v0:ns:ns:wt:T:ai:a:ri:r:d:sha256:${digest}`],
    ['no run id', `p:v0:ns:ns:wt:T:wi:w:d:sha256:${digest}`],
  ])('returns undefined for a key with %s', (_title, key) => {
    expect(findDigest(key)).toBeUndefined();
  });

  it('returns undefined for a very long key in another format', () => {
    expect(findDigest(':v0:ns:a'.repeat(200_000))).toBeUndefined();
  });
});
