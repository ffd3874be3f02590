import { AssertionError } from 'node:assert';
import { decorateClient } from '../../src';
import {
  clientContract,
  InMemoryStorageDriverClient,
  type ContractSubject,
  type InMemoryEntry,
} from '../../src/testing';

function setTtl(entries: Map<string, InMemoryEntry>, key: string, ttlMs: number): boolean {
  const entry = entries.get(key);
  if (entry !== undefined) entry.expiresAt = Date.now() + ttlMs;
  return entry !== undefined;
}

function openInMemory(): ContractSubject & { client: InMemoryStorageDriverClient } {
  const client = new InMemoryStorageDriverClient();
  const { entries } = client;
  return {
    client,
    store: {
      read: (key) => client.get(key),
      async write(key, data, ttlMs = Infinity) {
        entries.set(key, { value: data, expiresAt: Date.now() + ttlMs });
      },
      async writeList(key) {
        entries.set(key, { value: ['element'], expiresAt: Infinity });
      },
      async delete(key) {
        entries.delete(key);
      },
      async ttlMs(key) {
        const left = entries.get(key)!.expiresAt - Date.now();
        return left === Infinity ? undefined : left;
      },
    },
  };
}

const CAPABILITIES = ['exists', 'extendTtl', 'releasesData'] as const;

describe('InMemoryStorageDriverClient fulfills the client contract', () => {
  const subject = openInMemory();
  it.each(clientContract(() => subject, { capabilities: CAPABILITIES }))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

/** Faults of clients, and for each fault the contract case that must find it. */
const FAULTS: [fault: string, found: RegExp, overrides: (client: InMemoryStorageDriverClient) => object][] = [
  [
    'decodes values as text',
    /keeps invalid UTF-8: a lone continuation byte/,
    (client) => ({
      get: async (key: string) => {
        const bytes = await client.get(key);
        return bytes && Buffer.from(Buffer.from(bytes).toString());
      },
    }),
  ],
  [
    'returns empty bytes for an absent key',
    /null for an absent key/,
    (client) => ({
      get: async (key: string) => (await client.get(key)) ?? new Uint8Array(),
    }),
  ],
  [
    'ignores TTLs',
    /applies a TTL of 1500 ms/,
    (client) => ({
      setIfAbsent: (key: string, data: Uint8Array) => client.setIfAbsent(key, data),
    }),
  ],
  [
    'always reports an insert',
    /exactly once for 64 concurrent writers/,
    (client) => ({
      setIfAbsent: async (key: string, data: Uint8Array, options: object) => {
        await client.setIfAbsent(key, data, options);
        return true;
      },
    }),
  ],
  [
    'ignores abort signals',
    /a read with the reason of a signal that is already aborted/,
    (client) => ({
      get: (key: string) => client.get(key),
    }),
  ],
  [
    'confuses upper and lower case',
    /keeps all these keys apart/,
    (client) => ({
      setIfAbsent: (key: string, data: Uint8Array, options: object) =>
        client.setIfAbsent(key.slice(0, 45), data, options),
    }),
  ],
  ['has an exists that is always false', /exists whether a key exists/, () => ({ exists: async () => false })],
  [
    'has an exists that ignores the size',
    /exists whether a value has a given size/,
    (client) => ({ exists: (key: string) => client.exists?.(key) }),
  ],
  [
    'shortens TTLs',
    /never shortens a TTL/,
    ({ entries }) => ({ extendTtl: async (key: string, ttlMs: number) => setTtl(entries, key, ttlMs) }),
  ],
  [
    'gives a TTL to keys without one',
    /gives no TTL to a key without one/,
    ({ entries }) => ({ extendTtl: async (key: string, ttlMs: number) => setTtl(entries, key, ttlMs) }),
  ],
  [
    'says that it extended an absent key',
    /an absent key has no TTL to extend/,
    (client) => ({
      async extendTtl(key: string, ttlMs: number) {
        await client.extendTtl?.(key, ttlMs);
        return true;
      },
    }),
  ],
  [
    'keeps the data of a write that has resolved',
    /has released the data of each of many/,
    ({ entries }) => ({
      async setIfAbsent(key: string, value: Uint8Array) {
        entries.set(key, { value, expiresAt: Infinity });
        return true;
      },
    }),
  ],
  ['lacks a declared method', /optional members exactly exists/, () => ({ exists: undefined })],
  ['has an undeclared method', /optional members exactly exists/, () => ({ describe: () => ({ host: 'here' }) })],
];

describe('the client contract', () => {
  it.each(FAULTS)('finds a client that %s', async (_fault, found, override) => {
    const open = (): ContractSubject => {
      const { client, store } = openInMemory();
      return { client: decorateClient(client, { releasesData: true, ...override(client) }), store };
    };
    const cases = clientContract(open, { capabilities: CAPABILITIES }).filter(({ name }) => found.test(name));
    expect(cases).toHaveLength(1);
    await expect(cases[0]!.run()).rejects.toThrow(AssertionError);
  });

  it('tests each optional member that is declared', async () => {
    const open = (): ContractSubject => {
      const { client, store } = openInMemory();
      const overrides = { releasesData: true, isTransient: () => false, describe: () => ({ host: 'here' }) };
      return { client: decorateClient(client, overrides), store };
    };
    const cases = clientContract(open, { capabilities: [...CAPABILITIES, 'isTransient', 'describe'] });
    const optional = cases.filter(({ name }) => /isTransient|describes itself|exists|optional members/.test(name));
    expect(optional.length).toBeGreaterThanOrEqual(5);
    for (const { run } of optional) await run();
  });

  it('closes the subject after each case, even if the case fails', async () => {
    let closed = 0;
    const open = (): ContractSubject => ({ ...openInMemory(), close: async () => void closed++ });
    const [passing] = clientContract(open, { capabilities: CAPABILITIES });
    await passing!.run();
    const failing = clientContract(open).at(-1)!; // it declares none
    await expect(failing.run()).rejects.toThrow(AssertionError);
    expect(closed).toBe(2);
  });
});
