import type { Payload } from '@temporalio/common';
import {
  decorateClient,
  RedisStorageDriver,
  type RedisStorageDriverClient,
  type RedisStorageDriverOptions,
} from '../src';
import { InMemoryStorageDriverClient } from '../src/testing';

const DAY_MS = 24 * 60 * 60 * 1000;
const SMALL: Payload = { metadata: {}, data: Buffer.alloc(1000, 1) };
const LARGE: Payload = { metadata: {}, data: Buffer.alloc(4 * 1024 * 1024, 1) };

let client: InMemoryStorageDriverClient;

beforeEach(() => {
  client = new InMemoryStorageDriverClient();
});

const createDriver = (options: Partial<RedisStorageDriverOptions> = {}): RedisStorageDriver =>
  new RedisStorageDriver({ client, ttl: '2 days', extendTtl: true, ...options });

/** The days that the one stored payload has left. */
function readDaysLeft(): number {
  const [entry] = client.entries.values();
  return (entry!.expiresAt - Date.now()) / DAY_MS;
}

describe.each([
  ['a small payload', SMALL],
  ['a large payload', LARGE],
])('with extendTtl, %s that is stored again', (_name, payload) => {
  it('lives at least ttl from then on', async () => {
    await createDriver({ ttl: '1 day' }).store({}, [payload]);
    expect(readDaysLeft()).toBeCloseTo(1, 1);
    await createDriver().store({}, [payload]);
    expect(readDaysLeft()).toBeCloseTo(2, 1);
    await createDriver({ ttl: '1 hour' }).store({}, [payload]);
    expect(readDaysLeft()).toBeCloseTo(2, 1);
  });

  it('gets no TTL if it has none', async () => {
    await new RedisStorageDriver({ client }).store({}, [payload]);
    await createDriver().store({}, [payload]);
    expect(readDaysLeft()).toBe(Infinity);
  });

  it('is written again if it vanishes in between', async () => {
    await createDriver().store({}, [payload]);
    let vanishes = true;
    const vanishing = decorateClient(client, {
      async extendTtl(...args) {
        if (vanishes) client.entries.clear();
        vanishes = false;
        return client.extendTtl(...args);
      },
    });
    await createDriver({ client: vanishing }).store({}, [payload]);
    expect(vanishes).toBe(false);
    expect(readDaysLeft()).toBeCloseTo(2, 1);
  });

  it('is an error if it could not be extended', async () => {
    await createDriver().store({}, [payload]);
    const refusal = new Error('NOPERM this user has no permissions to run the pexpire command');
    const refusing = decorateClient(client, { extendTtl: () => Promise.reject(refusal) });
    await expect(createDriver({ client: refusing }).store({}, [payload])).rejects.toMatchObject({ cause: refusal });
  });

  it('is an error, and not an endless loop, if its key is neither there nor to be set', async () => {
    const requests: string[] = [];
    const liar: RedisStorageDriverClient = {
      get: async () => null,
      setIfAbsent: async () => Boolean(requests.push('set')) && false,
      exists: async () => Boolean(requests.push('exists')),
      extendTtl: async () => Boolean(requests.push('extend')) && false,
    };
    await expect(createDriver({ client: liar }).store({}, [payload])).rejects.toMatchObject({
      message: expect.stringContaining('store failed [key=') as string,
      cause: { message: expect.stringContaining('look at the key') as string },
    });
    expect(requests.length).toBeLessThan(15);
  });
});

it('without extendTtl, a payload that is stored again keeps its TTL', async () => {
  await createDriver({ ttl: '1 day', extendTtl: false }).store({}, [SMALL]);
  await createDriver({ extendTtl: false }).store({}, [SMALL]);
  expect(readDaysLeft()).toBeCloseTo(1, 1);
});

it.each<[string, Partial<Record<keyof RedisStorageDriverOptions, unknown>>, string]>([
  ['another type', { extendTtl: 'yes' }, "extendTtl must be true or false, got 'yes'"],
  ['no ttl', { ttl: undefined }, 'extendTtl is true, but there is no ttl to extend by'],
  [
    'a client that cannot',
    { client: { get: () => {}, setIfAbsent: () => {} } },
    'extendTtl is true, but the client has no method extendTtl',
  ],
])('refuses extendTtl with %s', (_name, options, message) => {
  expect(() => createDriver(options as Partial<RedisStorageDriverOptions>)).toThrow(message);
});

describe('a key that holds a value of another size', () => {
  it.each([
    ['a small payload', SMALL],
    ['a large payload', LARGE],
  ])('is never taken for %s', async (_name, payload) => {
    const driver = new RedisStorageDriver({ client });
    const [claim] = await driver.store({}, [payload]);
    const key = claim!.claimData['key']!;
    for (const value of [Buffer.alloc(0), Buffer.from('cut off'), ['an', 'element']]) {
      client.entries.set(key, { value, expiresAt: Infinity });
      await expect(driver.store({}, [payload])).rejects.toMatchObject({
        message: expect.stringContaining(key) as string,
        cause: { message: expect.stringMatching(/^Redis has another value than this payload of \d+ bytes/) as string },
      });
      expect(client.entries.get(key)?.value).toBe(value);
    }
    client.entries.delete(key);
    await expect(driver.store({}, [payload])).resolves.toEqual([claim]);
  });

  it('is no error if it vanishes before it is looked at', async () => {
    const vanishing = decorateClient(client, {
      async exists(...args) {
        client.entries.clear();
        return client.exists(...args);
      },
    });
    const driver = new RedisStorageDriver({ client: vanishing });
    await driver.store({}, [SMALL]);
    await driver.store({}, [SMALL]);
    expect(client.entries.size).toBe(1);
  });

  it.each([
    ['a refusal', 'NOPERM', 1],
    ['a transient failure', 'LOADING', 2],
  ])('is asked for: %s', async (_name, message, asked) => {
    const driver = new RedisStorageDriver({ client });
    await driver.store({}, [SMALL]);
    const exists = jest.spyOn(client, 'exists').mockRejectedValueOnce(new Error(`${message} no`));
    await expect(driver.store({}, [SMALL])).resolves.toHaveLength(1);
    expect(exists).toHaveBeenCalledTimes(asked);
  });
});
