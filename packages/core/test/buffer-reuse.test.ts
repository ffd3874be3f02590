import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Payload } from '@temporalio/common';
import { decorateClient, RedisStorageDriver, type RedisStorageDriverClient } from '../src';

const SIZE = 100_000;
const createPayload = (size = SIZE): Payload => ({ metadata: {}, data: randomBytes(size) });

/** A client that shows which memory each write got, and whose writes a test may change. */
function createClient(
  setIfAbsent: (key: string, data: Uint8Array) => Promise<boolean> = async () => true,
  releasesData = true,
): { client: RedisStorageDriverClient; memory: ArrayBufferLike[] } {
  const memory: ArrayBufferLike[] = [];
  const client: RedisStorageDriverClient = {
    releasesData,
    get: async () => null,
    setIfAbsent(key, data) {
      memory.push(data.buffer);
      return setIfAbsent(key, data);
    },
    isTransient: () => true,
  };
  return { client, memory };
}

describe('the memory of a stored payload', () => {
  it('is used again for the next one, if the client releases it', async () => {
    const { client, memory } = createClient();
    const driver = new RedisStorageDriver({ client });
    for (let count = 0; count < 5; count++) await driver.store({}, [createPayload(SIZE - count)]);
    expect(new Set(memory).size).toBe(1);
  });

  it('is used again after a write that found the payload there', async () => {
    const { client, memory } = createClient(async () => false);
    const driver = new RedisStorageDriver({ client });
    for (let count = 0; count < 5; count++) await driver.store({}, [createPayload()]);
    expect(new Set(memory).size).toBe(1);
  });

  const never = (): Promise<never> => new Promise(() => {});
  let attempts = 0;
  it.each<[string, () => ReturnType<typeof createClient>]>([
    ["a client that doesn't say so", () => createClient(async () => true, false)],
    [
      "a decorated client that doesn't say so",
      () => {
        const inner = createClient();
        return { ...inner, client: decorateClient(inner.client, {}) };
      },
    ],
    ['a failure', () => createClient(() => Promise.reject(new Error('refused')))],
    ['a time-out', () => createClient(never)],
    [
      'an attempt that failed, though the next one succeeds',
      () => createClient(() => (attempts++ % 2 === 0 ? Promise.reject(new Error('lost')) : Promise.resolve(true))),
    ],
  ])('is never used again after %s', async (_name, create) => {
    const { client, memory } = create();
    const driver = new RedisStorageDriver({ client, requestTimeout: 300, maxAttempts: 2 });
    for (let count = 0; count < 4; count++) {
      await driver.store({}, [createPayload()]).catch(() => {});
      // The attempts of one payload share its memory.
      const last = memory.splice(0).at(-1);
      await driver.store({}, [createPayload()]).catch(() => {});
      expect(memory.splice(0)).not.toContain(last);
    }
  });

  it('is never used again after an abort', async () => {
    let isHanging = true;
    const { client, memory } = createClient(() => (isHanging ? never() : Promise.resolve(true)));
    const driver = new RedisStorageDriver({ client });
    const controller = new AbortController();
    const call = driver.store({ abortSignal: controller.signal }, [createPayload(), createPayload()]);
    while (memory.length < 2) await sleep(1);
    controller.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
    isHanging = false;
    await driver.store({}, [createPayload()]);
    await driver.store({}, [createPayload()]);
    expect(memory.slice(0, 2)).not.toContain(memory[2]);
    expect(memory[3]).toBe(memory[2]);
  });

  it('holds the bytes of its key for as long as the client has it, whatever happens to the write', async () => {
    const violations: string[] = [];
    const seen = new Map<ArrayBufferLike, number>();
    const check = (key: string, data: Uint8Array): void => {
      if (!key.endsWith(createHash('sha256').update(data).digest('hex'))) violations.push(key);
    };
    // A library that still reads what it was told to send: until it resolves, and long after a failure.
    const { client } = createClient(async (key, data) => {
      seen.set(data.buffer, (seen.get(data.buffer) ?? 0) + 1);
      check(key, data);
      const fate = Math.random();
      if (fate < 0.2) {
        for (const delayMs of [0, 5, 30, 100]) void sleep(delayMs).then(() => check(key, data));
        if (fate < 0.1) throw new Error('lost');
        return new Promise(() => {});
      }
      if (fate < 0.8) await sleep(Math.random() * 10);
      check(key, data);
      return fate < 0.7;
    });
    const driver = new RedisStorageDriver({ client, requestTimeout: 40, maxAttempts: 2, maxBytesInFlight: 50_000_000 });
    let stored = 0;
    const callers = Array.from({ length: 8 }, async () => {
      for (let call = 0; call < 40; call++) {
        const payloads = Array.from({ length: 4 }, () => createPayload(50_000 + Math.floor(Math.random() * 20_000)));
        const timeout = Math.random() < 0.1 ? { abortSignal: AbortSignal.timeout(5) } : {};
        await driver.store(timeout, payloads).then(
          () => stored++,
          () => {},
        );
      }
    });
    await Promise.all(callers);
    await sleep(120);
    expect(violations).toEqual([]);
    expect(stored).toBeGreaterThan(20);
    // Without any reuse, the test would prove nothing.
    expect(Math.max(...seen.values())).toBeGreaterThan(5);
  });
});
