import { strict as assert } from 'node:assert';
import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { assertBytes, assertRejectsWith, createKey, DAY_MS, type SubjectCase } from './subject';

/** An abort signal rejects a request with its reason, and does nothing else. */
export const ABORT_CASES: SubjectCase[] = [
  {
    name: 'rejects a read with the reason of a signal that is already aborted',
    async run({ client }) {
      const key = createKey();
      await client.setIfAbsent(key, Buffer.from('value'));
      const reason = new Error('enough');
      await assertRejectsWith(client.get(key, { abortSignal: AbortSignal.abort(reason) }), reason);
    },
  },
  {
    name: 'rejects a write with the reason of a signal that is already aborted, and writes nothing',
    async run({ client, store }) {
      const key = createKey();
      const reason = new Error('enough');
      const abortSignal = AbortSignal.abort(reason);
      await assertRejectsWith(client.setIfAbsent(key, Buffer.from('value'), { abortSignal }), reason);
      await assertRejectsWith(client.setIfAbsent(key, Buffer.from('value'), { abortSignal, ttlMs: 1000 }), reason);
      // If the client had sent a write, a later command of the same client would have flushed it.
      await client.setIfAbsent(createKey(), Buffer.from('later'));
      assert.equal(await store.read(key), null);
    },
  },
  {
    name: 'rejects with the reason of a signal that aborts during the request, or completes it',
    async run({ client }) {
      const controller = new AbortController();
      const reason = new Error('enough');
      const options = { abortSignal: controller.signal };
      // A client, and then its library, may listen for each request.
      setMaxListeners(100, controller.signal);
      const data = randomBytes(100_000);
      const requests = Array.from({ length: 20 }, async () => {
        const key = createKey();
        await client.setIfAbsent(key, data, options);
        return client.get(key, options);
      });
      setImmediate(() => controller.abort(reason));
      for (const outcome of await Promise.allSettled(requests)) {
        if (outcome.status === 'fulfilled') assertBytes(outcome.value, data);
        else assert.equal(outcome.reason, reason);
      }
    },
  },
  {
    name: 'is unaffected by a signal that never aborts',
    async run({ client }) {
      const { signal: abortSignal } = new AbortController();
      const key = createKey();
      const data = randomBytes(100);
      assert.equal(await client.get(key, { abortSignal }), null);
      assert.equal(await client.setIfAbsent(key, data, { abortSignal, ttlMs: DAY_MS }), true);
      assert.equal(await client.setIfAbsent(key, data, { abortSignal }), false);
      assertBytes(await client.get(key, { abortSignal }), data);
    },
  },
  {
    name: 'is unaffected by a signal that aborts afterwards',
    async run({ client }) {
      const controller = new AbortController();
      const key = createKey();
      await client.setIfAbsent(key, Buffer.from('value'), { abortSignal: controller.signal });
      await client.get(key, { abortSignal: controller.signal });
      controller.abort();
      assertBytes(await client.get(key), Buffer.from('value'));
    },
  },
];
