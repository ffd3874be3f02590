import { strict as assert } from 'node:assert';
import { randomBytes } from 'node:crypto';
import { assertBytes, createKey, type SubjectCase } from './subject';

const MIB = 1024 * 1024;
const SIZES = [1, 1000, 16 * 1024, MIB / 4, MIB, 8 * MIB];

/** Once a write has resolved, the memory of its data may be used for something else. */
export const RELEASED_DATA_CASES: SubjectCase[] = [
  ...SIZES.map(
    (size) =>
      ({
        name: `has released ${size} bytes of data once the write resolves`,
        async run({ client, store }) {
          const data = randomBytes(size);
          for (const ttlMs of [undefined, 60_000]) {
            const key = createKey();
            const sent = Buffer.from(data);
            assert.equal(await client.setIfAbsent(key, sent, ttlMs === undefined ? {} : { ttlMs }), true);
            sent.fill(0);
            assertBytes(await store.read(key), data);
          }
        },
      }) satisfies SubjectCase,
  ),
  {
    name: 'has released the data of each of many concurrent writes once it resolves',
    async run({ client, store }) {
      const values = Array.from({ length: 60 }, (_, index) => ({
        key: createKey(),
        data: randomBytes(1 + index * 9001),
      }));
      // Four buffers take turns, as in a driver with little room.
      const queue = [...values];
      const writer = async (): Promise<void> => {
        const buffer = Buffer.alloc(60 * 9001);
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
          next.data.copy(buffer);
          await client.setIfAbsent(next.key, buffer.subarray(0, next.data.length));
          buffer.fill(0xff);
        }
      };
      await Promise.all(Array.from({ length: 4 }, writer));
      for (const { key, data } of values) assertBytes(await store.read(key), data);
    },
  },
];
