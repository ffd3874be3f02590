import { strict as assert } from 'node:assert';
import { randomBytes } from 'node:crypto';
import { assertBytes, createKey, DAY_MS, type SubjectCase } from './subject';

/** Concurrent requests neither overwrite nor mix up each other. */
export const ATOMICITY_CASES: SubjectCase[] = [
  {
    name: 'inserts a key exactly once for 64 concurrent writers',
    async run({ client }) {
      const key = createKey();
      const values = Array.from({ length: 64 }, (_, index) => Buffer.from(`writer ${index}`));
      const inserted = await Promise.all(values.map((value) => client.setIfAbsent(key, value, { ttlMs: DAY_MS })));
      assert.equal(inserted.filter(Boolean).length, 1);
      assertBytes(await client.get(key), values[inserted.indexOf(true)]!);
    },
  },
  {
    name: 'keeps concurrent requests for many keys apart',
    async run({ client }) {
      const entries = Array.from({ length: 200 }, (_, index) => ({ key: createKey(), data: randomBytes(index * 50) }));
      const inserted = await Promise.all(entries.map(({ key, data }) => client.setIfAbsent(key, data)));
      const read = await Promise.all([...entries.map(({ key }) => key), createKey()].map((key) => client.get(key)));
      assert.ok(inserted.every(Boolean));
      entries.forEach(({ data }, index) => assertBytes(read[index], data));
      assert.equal(read.at(-1), null);
    },
  },
];
