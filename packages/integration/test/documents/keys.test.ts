import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../workspace';
import { readDocument } from './documents';

const TEXT = readDocument('docs/key-format.md');

/** The keys of the worked examples, with the digest that is shortened there. */
const [, digest] = /For the digest of `payload`, `([0-9a-f]{64})`/.exec(TEXT)!;
const KEYS = [...TEXT.matchAll(/`(\S+):239f…`/g)].map(([, start]) => `${start}:${digest}`);

it('the worked examples of the key format are keys that the Python driver computed', () => {
  const vectors = readFileSync(join(ROOT, 'docs/key-format-vectors.json'), 'utf8');
  expect(KEYS).toHaveLength(4);
  expect(KEYS.filter((key) => !vectors.includes(`"${key}"`))).toEqual([]);
});
