import type { Payload, StorageDriverClaim } from '@temporalio/common';
import { decorateClient, RedisStorageDriver } from '../src';
import { InMemoryStorageDriverClient } from '../src/testing';

type Item = Payload | StorageDriverClaim;

/** The limiter of SDKs after 1.24: at most so many operations at once, in order of arrival. */
class Limiter {
  readonly items: Item[] = [];
  running = 0;
  private readonly queue: (() => void)[] = [];

  constructor(
    private readonly limit: number,
    private readonly outer?: Limiter,
  ) {}

  async permit<T>(item: Item, operation: () => Promise<T>): Promise<T> {
    this.items.push(item);
    if (this.running >= this.limit) await new Promise<void>((resolve) => void this.queue.push(resolve));
    else this.running++;
    try {
      return await (this.outer ? this.outer.permit(item, operation) : operation());
    } finally {
      const next = this.queue.shift();
      if (next) next();
      else this.running--;
    }
  }
}

const SIZE = 1000;
const createPayloads = (count: number): Payload[] =>
  Array.from({ length: count }, (_, index) => ({ data: Buffer.alloc(SIZE, index) }));

/** A client whose every request takes a turn of the event loop. */
function createDriver(): RedisStorageDriver {
  const memory = new InMemoryStorageDriverClient();
  const client = decorateClient(memory, {
    setIfAbsent: async (...args) => {
      await new Promise((resolve) => setImmediate(resolve));
      return memory.setIfAbsent(...args);
    },
  });
  return new RedisStorageDriver({ client, maxBytesInFlight: SIZE + 100, requestTimeout: 5000 });
}

describe("the SDK's limiter", () => {
  it.each([1, 2, 8, 64])('of %d gives one permit for each payload and claim, and releases all', async (limit) => {
    const driver = createDriver();
    const outer = new Limiter(64);
    const limiter = new Limiter(limit, outer);
    const payloads = createPayloads(30);

    const claims = await driver.store({ limiter } as object, payloads);
    expect(limiter.items).toEqual(payloads);
    expect(limiter.items.every((item, index) => item === payloads[index])).toBe(true);
    const read = await driver.retrieve({ limiter } as object, claims);
    expect(read.map(({ data }) => data![0])).toEqual(payloads.map(({ data }) => data![0]));

    expect(limiter.items).toHaveLength(60);
    expect(limiter.items.slice(30).every((item, index) => item === claims[index])).toBe(true);
    expect([limiter.running, outer.running, outer.items.length]).toEqual([0, 0, 60]);
  });

  it('causes no deadlock in ten concurrent calls with one payload each and room for one', async () => {
    const driver = createDriver();
    const outer = new Limiter(2);
    const calls = createPayloads(10).map((payload) => {
      const limiter = new Limiter(1, outer);
      return driver.store({ limiter } as object, [payload]);
    });
    expect((await Promise.all(calls)).flat()).toHaveLength(10);
    expect(outer.running).toBe(0);
  });

  it('is waited for without a time-out, because a permit is no request to Redis', async () => {
    const memory = new InMemoryStorageDriverClient();
    const driver = new RedisStorageDriver({ client: memory, requestTimeout: 30 });
    const limiter = {
      async permit<T>(_item: Item, operation: () => Promise<T>): Promise<T> {
        await new Promise((resolve) => setTimeout(resolve, 150));
        return operation();
      },
    };
    await expect(driver.store({ limiter } as object, createPayloads(1))).resolves.toHaveLength(1);
  });

  it('passes on the error with which it refuses a permit', async () => {
    const refusal = new Error('no permit');
    const limiter = { permit: () => Promise.reject(refusal) };
    await expect(createDriver().store({ limiter } as object, createPayloads(2))).rejects.toBe(refusal);
  });

  it('releases every permit after a failure and after an abort', async () => {
    const memory = new InMemoryStorageDriverClient();
    const failing = decorateClient(memory, { setIfAbsent: () => Promise.reject(new Error('refused')) });
    const limiter = new Limiter(2);
    const driver = new RedisStorageDriver({ client: failing });
    await expect(driver.store({ limiter } as object, createPayloads(5))).rejects.toThrow('store failed');
    expect(limiter.running).toBe(0);

    const controller = new AbortController();
    const hanging = decorateClient(memory, { setIfAbsent: () => new Promise(() => {}) });
    const call = new RedisStorageDriver({ client: hanging }).store(
      { limiter, abortSignal: controller.signal } as object,
      createPayloads(5),
    );
    setImmediate(() => controller.abort(new Error('enough')));
    await expect(call).rejects.toThrow('enough');
    expect(limiter.running).toBe(0);
  });
});
