import { strict as assert } from 'node:assert';
import { RELEASED_DATA_CASES } from './released-data';
import { assertBytes, assertRejectsWith, createKey, DAY_MS, type SubjectCase } from './subject';
import { EXTENDED_TTL_CASES } from './extended-ttl';

/** The optional members of a client, each with the cases that it must pass. */
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
      name: 'tells by exists whether a value has a given size',
      async run({ client, store }) {
        const [text, empty, list] = [createKey(), createKey(), createKey()];
        await store.write(text, Buffer.from('value'));
        await store.write(empty, Buffer.alloc(0));
        await store.writeList(list);
        assert.equal(await client.exists?.(text, { size: 5 }), true);
        assert.equal(await client.exists?.(text, { size: 4 }), false);
        assert.equal(await client.exists?.(empty, { size: 0 }), true);
        assert.equal(await client.exists?.(empty, { size: 1 }), false);
        assert.equal(await client.exists?.(createKey(), { size: 0 }), false);
        assert.equal(await client.exists?.(list), true);
        assert.equal(await client.exists?.(list, { size: 1 }), false);
        assert.equal(await store.ttlMs(text), undefined);
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
  extendTtl: EXTENDED_TTL_CASES,
  releasesData: RELEASED_DATA_CASES,
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
 * An optional member of a client.
 *
 * @experimental
 */
export type ClientCapability = keyof typeof CASES_BY_CAPABILITY;

/** The cases of the declared optional members, and that the client has no others. */
export function createCapabilityCases(declared: readonly ClientCapability[]): SubjectCase[] {
  const all = Object.keys(CASES_BY_CAPABILITY) as ClientCapability[];
  return [
    {
      name: `has of the optional members ${declared.length === 0 ? 'none' : `exactly ${declared.join(', ')}`}`,
      async run({ client }) {
        assert.deepEqual(
          all.filter((capability) => client[capability]),
          all.filter((capability) => declared.includes(capability)),
        );
      },
    },
    ...declared.flatMap((capability) => CASES_BY_CAPABILITY[capability]),
  ];
}
