import { strict as assert } from 'node:assert';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertBytes, createKey, DAY_MS, type SubjectCase } from './subject';

const TTLS_MS = [1_500, 60_001, 45 * DAY_MS];
const SHORT_TTLS_MS = [1, 250];

const PAIRS: [first: number | undefined, second: number | undefined][] = [
  [undefined, undefined],
  [undefined, 1_000],
  [DAY_MS, undefined],
  [DAY_MS, 1_000],
];

/** A TTL counts in milliseconds, and only for a key that is inserted. */
export const TTL_CASES: SubjectCase[] = [
  ...TTLS_MS.map(
    (ttlMs) =>
      ({
        name: `applies a TTL of ${ttlMs} ms`,
        async run({ client, store }) {
          const key = createKey();
          const start = performance.now();
          await client.setIfAbsent(key, Buffer.from('value'), { ttlMs });
          const left = (await store.ttlMs(key)) ?? Infinity;
          assert.ok(left <= ttlMs, `The key has ${left} ms left`);
          // The clocks of Redis and of this process may differ a little.
          assert.ok(left >= ttlMs - (performance.now() - start) - 100, `The key has only ${left} ms left`);
        },
      }) satisfies SubjectCase,
  ),
  ...SHORT_TTLS_MS.map(
    (ttlMs) =>
      ({
        name: `finds a key absent after its TTL of ${ttlMs} ms`,
        async run({ client }) {
          const key = createKey();
          assert.equal(await client.setIfAbsent(key, Buffer.from('value'), { ttlMs }), true);
          const deadline = performance.now() + 30_000;
          while ((await client.get(key)) !== null && performance.now() < deadline) await sleep(50);
          assert.equal(await client.setIfAbsent(key, Buffer.from('again')), true);
        },
      }) satisfies SubjectCase,
  ),
  {
    name: 'sets no TTL without being asked',
    async run({ client, store }) {
      const key = createKey();
      await client.setIfAbsent(key, Buffer.from('value'));
      assert.equal(await store.ttlMs(key), undefined);
    },
  },
  {
    name: 'leaves the TTL as it is when it reads',
    async run({ client, store }) {
      const key = createKey();
      await store.write(key, Buffer.from('value'), DAY_MS);
      await client.get(key);
      assert.ok(((await store.ttlMs(key)) ?? 0) > DAY_MS - 60_000);
    },
  },
  ...PAIRS.map(
    ([first, second]) =>
      ({
        name: `keeps value and TTL of a key that exists (first ${first ?? 'no'} ms, then ${second ?? 'no'} ms)`,
        async run({ client, store }) {
          const key = createKey();
          await client.setIfAbsent(key, Buffer.from('first'), first === undefined ? {} : { ttlMs: first });
          const inserted = await client.setIfAbsent(
            key,
            Buffer.from('second'),
            second === undefined ? {} : { ttlMs: second },
          );
          assert.equal(inserted, false);
          assertBytes(await client.get(key), Buffer.from('first'));
          const ttlMs = await store.ttlMs(key);
          assert.ok(
            first === undefined ? ttlMs === undefined : (ttlMs ?? 0) > first - 60_000,
            `The TTL is ${ttlMs} ms`,
          );
        },
      }) satisfies SubjectCase,
  ),
];
