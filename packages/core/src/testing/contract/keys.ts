import { strict as assert } from 'node:assert';
import { assertBytes, assertRoundTrip, createKey, type SubjectCase } from './subject';

const KEY_ENDS = {
  'every ASCII punctuation mark': '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~',
  'percent sequences': '%2F%25%00%zz%',
  'a percent sign at its end': 'a%',
  'a decoded percent sequence': 'a/b',
  'a percent sequence': 'a%2Fb',
  'path segments': '/../a//./b/',
  'a query and a fragment': 'a?b=c&d=e#f',
  'a plus sign': 'a+b',
  'a space': 'a b',
  'spaces around it': '  a  ',
  'line breaks': 'a\r\nb\nc',
  'control characters': '\0\u0001\t\u007f',
  'composed letters': 'é',
  'decomposed letters': 'e\u0301',
  'characters outside the BMP': '😀𝔘𠜎',
  'right-to-left text': 'שלום',
  'a hash tag': '{tag}a',
  'an empty hash tag': '{}a',
  '4 KiB': 'k'.repeat(4096),
  'a payload key': 'wt:My%20Workflow:wi:null:ri:null:d:sha256:' + 'a'.repeat(64),
};

/** Any string is a key, and an absent key is null. */
export const KEY_CASES: SubjectCase[] = [
  ...Object.entries(KEY_ENDS).map(
    ([name, end]) =>
      ({
        name: `takes a key with ${name}`,
        run: (subject) => assertRoundTrip(subject, `${createKey()}:${end}`, Buffer.from(end)),
      }) satisfies SubjectCase,
  ),
  {
    name: 'keeps all these keys apart',
    async run({ client }) {
      const start = createKey();
      const keys = Object.values(KEY_ENDS).map((end) => `${start}:${end}`);
      for (const key of keys) assert.equal(await client.setIfAbsent(key, Buffer.from(key)), true);
      for (const key of keys) assertBytes(await client.get(key), Buffer.from(key));
    },
  },
  {
    name: 'resolves to null for an absent key',
    async run({ client }) {
      assert.equal(await client.get(createKey()), null);
    },
  },
  {
    name: 'resolves to null for a deleted key, which can be set again',
    async run(subject) {
      const key = createKey();
      await subject.client.setIfAbsent(key, Buffer.from('first'));
      await subject.store.delete(key);
      assert.equal(await subject.client.get(key), null);
      await assertRoundTrip(subject, key, Buffer.from('second'));
    },
  },
  {
    name: 'leaves a key of another type alone',
    async run({ client, store }) {
      const key = createKey();
      await store.writeList(key);
      assert.equal(await client.setIfAbsent(key, Buffer.from('value')), false);
    },
  },
  {
    name: "rejects the read of a key of another type with Redis's own message",
    async run({ client, store }) {
      const key = createKey();
      await store.writeList(key);
      await assert.rejects(client.get(key), /WRONGTYPE Operation against a key holding the wrong kind of value/);
    },
  },
];
