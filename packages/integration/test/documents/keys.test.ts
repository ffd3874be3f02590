import { readDocument } from './documents';

const vectors = JSON.parse(readDocument('docs/key-format-vectors.json')) as {
  keys: { key: string }[];
  parsed: { key: string; parsed: { prefix: string } | null }[];
};
const TEXT = readDocument('docs/key-format.md');

/** The keys of the examples, which abbreviate the digest. */
const [, digest] = /For the digest of `payload`, `([0-9a-f]{64})`/.exec(TEXT)!;
const KEYS = [...TEXT.matchAll(/`(\S+):239f…`/g)].map(([, start]) => `${start}:${digest}`);

it('the worked examples of the key format are keys that the Python driver computed', () => {
  const computed = new Set(vectors.keys.map(({ key }) => key));
  expect(KEYS).toHaveLength(4);
  expect(KEYS.filter((key) => !computed.has(key))).toEqual([]);
});

it('the regular expression of the key format matches exactly the keys that can be parsed', () => {
  const [, pattern, segment] = /^(\^.*\$)\nS = (.*)$/m.exec(TEXT)!;
  const expression = new RegExp(pattern!.replaceAll('S', segment!), 's');
  const prefixes = vectors.parsed.map(({ key }) => {
    const match = expression.exec(key);
    return [key, match === null ? undefined : (match[1]?.slice(0, -1) ?? '')];
  });
  expect(prefixes).toEqual(vectors.parsed.map(({ key, parsed }) => [key, parsed?.prefix]));
});
