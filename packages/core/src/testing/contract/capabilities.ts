import { strict as assert } from 'node:assert';
import { assertBytes, assertRejectsWith, createKey, DAY_MS, type SubjectCase } from './subject';

/** The optional methods of a client, each with the cases that it must pass. */
const CASES_BY_CAPABILITY = {
  exists: [
    {
      name: 'tells by exists whether a key exists, and changes nothing',
      async run({ client, store }) {
        const present = createKey();
        const absent = createKey();
        await store.write(present, Buffer.from('value'), DAY_MS);
        assert.equal(await client.exists?.(present), true);
        assert.equal(await client.exists?.(absent), false);
        assert.equal(await store.read(absent), null);
        assertBytes(await store.read(present), Buffer.from('value'));
        assert.ok(((await store.ttlMs(present)) ?? 0) > DAY_MS - 60_000);
      },
    },
    {
      name: 'rejects exists with the reason of a signal that is already aborted',
      async run({ client }) {
        const reason = new Error('enough');
        const request = client.exists?.(createKey(), { abortSignal: AbortSignal.abort(reason) });
        await assertRejectsWith(request ?? Promise.resolve(), reason);
      },
    },
  ],
  isTransient: [
    {
      name: 'answers isTransient with a boolean for whatever was thrown',
      async run({ client }) {
        for (const thrown of [new Error('WRONGTYPE'), new TypeError(''), undefined, null, 'text', 42, {}]) {
          assert.equal(typeof client.isTransient?.(thrown), 'boolean');
        }
      },
    },
  ],
  describe: [
    {
      name: 'describes itself in strings',
      async run({ client }) {
        for (const value of Object.values(client.describe?.() ?? {})) assert.equal(typeof value, 'string');
      },
    },
  ],
} satisfies Record<string, SubjectCase[]>;

/**
 * An optional method of a client.
 *
 * @experimental
 */
export type ClientCapability = keyof typeof CASES_BY_CAPABILITY;

/** The cases of the declared optional methods, and that the client has no others. */
export function createCapabilityCases(declared: readonly ClientCapability[]): SubjectCase[] {
  const all = Object.keys(CASES_BY_CAPABILITY) as ClientCapability[];
  return [
    {
      name: `has of the optional methods ${declared.length === 0 ? 'none' : `exactly ${declared.join(', ')}`}`,
      async run({ client }) {
        assert.deepEqual(
          all.filter((capability) => client[capability] !== undefined),
          all.filter((capability) => declared.includes(capability)),
        );
      },
    },
    ...declared.flatMap((capability) => CASES_BY_CAPABILITY[capability]),
  ];
}
