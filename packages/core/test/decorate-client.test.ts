import { decorateClient, type RedisStorageDriverClient } from '../src';

/** The methods use a private field, so they fail if they are called on another object. */
class FakeClient implements RedisStorageDriverClient {
  readonly #values = new Map<string, Uint8Array>();

  async get(key: string): Promise<Uint8Array | null> {
    return this.#values.get(key) ?? null;
  }

  async setIfAbsent(key: string, data: Uint8Array): Promise<boolean> {
    this.#values.set(key, data);
    return true;
  }

  async exists(key: string): Promise<boolean> {
    return this.#values.has(key);
  }

  /** Stands for an optional method of a later version. */
  async renew(key: string): Promise<boolean> {
    return this.#values.has(key);
  }
}

const data = new Uint8Array([1, 2, 3]);

describe('decorateClient', () => {
  it("replaces a method, and keeps the client's other methods", async () => {
    const client = new FakeClient();
    const keys: string[] = [];
    const decorated = decorateClient(client, {
      get: (key) => {
        keys.push(key);
        return client.get(key);
      },
    });
    await expect(decorated.setIfAbsent('a', data)).resolves.toBe(true);
    await expect(decorated.get('a')).resolves.toBe(data);
    await expect(decorated.exists?.('a')).resolves.toBe(true);
    expect(keys).toEqual(['a']);
  });

  it("keeps the client's optional methods, also methods of later versions", async () => {
    const decorated = decorateClient(new FakeClient(), {}) as RedisStorageDriverClient & Pick<FakeClient, 'renew'>;
    expect('exists' in decorated).toBe(true);
    expect('isTransient' in decorated).toBe(false);
    expect('describe' in decorated).toBe(false);
    await expect(decorated.renew('a')).resolves.toBe(false);
  });

  it('adds an optional method that the client lacks', () => {
    const decorated = decorateClient(new FakeClient(), { describe: () => ({ host: 'here' }) });
    expect(decorated.describe?.()).toEqual({ host: 'here' });
  });

  it('removes an optional method that is overridden by undefined', () => {
    const overrides = { exists: undefined } as unknown as Partial<RedisStorageDriverClient>;
    expect(typeof decorateClient(new FakeClient(), overrides).exists).toBe('undefined');
  });

  it('can be decorated again', async () => {
    const client = new FakeClient();
    const inner = decorateClient(client, { exists: async () => true });
    const outer = decorateClient(inner, { describe: () => ({ host: 'here' }) });
    await expect(outer.exists?.('absent')).resolves.toBe(true);
    await expect(outer.get('absent')).resolves.toBeNull();
  });
});
