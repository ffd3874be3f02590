import { strict as assert } from 'node:assert';
import { assertBytes, assertRejectsWith, createKey, DAY_MS, type SubjectCase } from './subject';

const VALUE = Buffer.from('value');
const MINUTE_MS = 60_000;

/** A TTL is extended, and nothing else happens. */
export const EXTENDED_TTL_CASES: SubjectCase[] = [
  {
    name: 'extends a shorter TTL, in milliseconds, and keeps the value',
    async run({ client, store }) {
      for (const ttlMs of [MINUTE_MS + 1, 45 * DAY_MS]) {
        const key = createKey();
        await store.write(key, VALUE, MINUTE_MS / 2);
        const start = performance.now();
        assert.equal(await client.extendTtl?.(key, ttlMs), true);
        const left = (await store.ttlMs(key)) ?? Infinity;
        assert.ok(left <= ttlMs, `The key has ${left} ms left`);
        // The clocks of Redis and of this process may differ a little.
        assert.ok(left >= ttlMs - (performance.now() - start) - 100, `The key has only ${left} ms left`);
        assertBytes(await store.read(key), VALUE);
      }
    },
  },
  {
    name: 'never shortens a TTL',
    async run({ client, store }) {
      const key = createKey();
      await store.write(key, VALUE, DAY_MS);
      assert.equal(await client.extendTtl?.(key, 1), true);
      assert.equal(await client.extendTtl?.(key, MINUTE_MS), true);
      assert.ok(((await store.ttlMs(key)) ?? 0) > DAY_MS - MINUTE_MS);
    },
  },
  {
    name: 'gives no TTL to a key without one',
    async run({ client, store }) {
      const key = createKey();
      await store.write(key, VALUE);
      assert.equal(await client.extendTtl?.(key, DAY_MS), true);
      assert.equal(await store.ttlMs(key), undefined);
    },
  },
  {
    name: 'tells that an absent key has no TTL to extend, and leaves it absent',
    async run({ client, store }) {
      const key = createKey();
      assert.equal(await client.extendTtl?.(key, DAY_MS), false);
      assert.equal(await store.read(key), null);
    },
  },
  {
    name: 'extends to the longest of many concurrent TTLs',
    async run({ client, store }) {
      const key = createKey();
      await store.write(key, VALUE, MINUTE_MS);
      const ttls = Array.from({ length: 30 }, (_, index) => (((index * 7) % 30) + 1) * DAY_MS);
      const extended = await Promise.all(ttls.map(async (ttlMs) => client.extendTtl?.(key, ttlMs)));
      assert.ok(extended.every(Boolean));
      assert.ok(((await store.ttlMs(key)) ?? 0) > 30 * DAY_MS - MINUTE_MS);
    },
  },
  {
    name: 'rejects extendTtl with the reason of a signal that is already aborted, and extends nothing',
    async run({ client, store }) {
      const key = createKey();
      await store.write(key, VALUE, MINUTE_MS);
      const reason = new Error('enough');
      const request = client.extendTtl?.(key, DAY_MS, { abortSignal: AbortSignal.abort(reason) });
      await assertRejectsWith(request ?? Promise.resolve(), reason);
      assert.ok(((await store.ttlMs(key)) ?? 0) <= MINUTE_MS);
    },
  },
];
