import { tracingChannel } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import type { MetricMeter, MetricTags, Payload } from '@temporalio/common';
import {
  decorateClient,
  recordMetrics,
  RedisStorageDriver,
  type RedisStorageDriverClient,
  type StorageTrace,
} from '../src';
import { InMemoryStorageDriverClient } from '../src/testing';

const CONTENT = 'payload-content';
const PAYLOAD: Payload = { metadata: {}, data: Buffer.from(CONTENT) };
const TARGET = { kind: 'workflow', namespace: 'default', type: 'order', id: 'order-7', runId: 'run' } as const;
const CHANNELS = ['store', 'retrieve'].map((operation) =>
  tracingChannel<unknown, StorageTrace>(`temporal-redis-storage:${operation}`),
);

let client: InMemoryStorageDriverClient;
const subscriptions: (() => void)[] = [];

beforeEach(() => {
  client = new InMemoryStorageDriverClient();
});

afterEach(() => {
  for (const unsubscribe of subscriptions.splice(0)) unsubscribe();
});

const createDriver = (override: Partial<RedisStorageDriverClient> = {}): RedisStorageDriver =>
  new RedisStorageDriver({ client: decorateClient(client, override), requestTimeout: 200 });

/** Collects the traces that are published from now on. */
function subscribe(): { ended: StorageTrace[]; events: string[] } {
  const ended: StorageTrace[] = [];
  const events: string[] = [];
  for (const channel of CHANNELS) {
    const subscribers = {
      start: ({ outcome }: StorageTrace) => events.push(`start ${outcome}`),
      end: () => events.push('end'),
      asyncStart: () => events.push('asyncStart'),
      asyncEnd: (trace: StorageTrace) => {
        events.push('asyncEnd');
        ended.push({ ...trace });
      },
      error: ({ error }: { error: unknown }) => events.push(`error ${(error as Error).name}`),
    };
    channel.subscribe(subscribers);
    subscriptions.push(() => channel.unsubscribe(subscribers));
  }
  return { ended, events };
}

describe('the trace', () => {
  it('of a store tells key, size, target, outcome and times', async () => {
    const { ended, events } = subscribe();
    const driver = createDriver();
    const [claim] = await driver.store({ target: TARGET }, [PAYLOAD]);
    await driver.store({ target: TARGET }, [PAYLOAD, PAYLOAD]);

    const { key, size } = claim!.claimData;
    expect(ended.map(({ outcome }) => outcome)).toEqual(['inserted', 'present', 'present']);
    expect(ended[0]).toMatchObject({ driverName: 'redis', key, size: Number(size), target: TARGET, attempts: 1 });
    expect(ended.map(({ attempts }) => attempts)).toEqual([1, 1, 0]);
    for (const { queuedMs, requestMs, durationMs } of ended) {
      expect(queuedMs).toBeGreaterThanOrEqual(0);
      expect(requestMs).toBeGreaterThanOrEqual(0);
      expect(durationMs).toBeGreaterThanOrEqual(queuedMs + requestMs);
    }
    expect(events.slice(0, 4)).toEqual(['start undefined', 'end', 'asyncStart', 'asyncEnd']);
  });

  it('of a retrieve tells the target that the key names', async () => {
    const driver = createDriver();
    const claims = await driver.store({ target: TARGET }, [PAYLOAD]);
    const { ended } = subscribe();
    await driver.retrieve({}, claims);
    const { key, size } = claims[0]!.claimData;
    expect(ended).toMatchObject([{ key, size: Number(size), target: TARGET, outcome: 'read', attempts: 1 }]);
  });

  it('tells that a payload was extended', async () => {
    const driver = new RedisStorageDriver({ client, ttl: '1 day', extendTtl: true });
    const { ended } = subscribe();
    await driver.store({}, [PAYLOAD]);
    await driver.store({}, [PAYLOAD]);
    expect(ended.map(({ outcome }) => outcome)).toEqual(['inserted', 'extended']);
  });

  it('tells why a payload could not be read', async () => {
    const driver = createDriver();
    const [claim] = await driver.store({}, [PAYLOAD]);
    const key = claim!.claimData['key']!;
    const { ended, events } = subscribe();
    const read = (reader: RedisStorageDriver, abortSignal?: AbortSignal): Promise<unknown> =>
      reader.retrieve({ ...(abortSignal && { abortSignal }) }, [claim!]).catch(() => {});

    client.entries.set(key, { value: Buffer.from('wrong'), expiresAt: Infinity });
    await read(driver);
    client.entries.clear();
    await read(driver);
    await read(createDriver({ get: () => Promise.reject(new Error('NOAUTH')) }));
    await read(createDriver({ get: () => new Promise(() => {}) }), AbortSignal.timeout(20));

    expect(ended.map(({ outcome }) => outcome)).toEqual(['corrupt', 'not_found', 'failed', 'aborted']);
    expect(ended.map(({ error }) => (error as Error).name)).toEqual([
      'ValueError',
      'ApplicationFailure',
      'RedisStorageDriverError',
      'TimeoutError',
    ]);
    expect(events.filter((event) => event.startsWith('error'))).toHaveLength(4);
  });

  it("counts attempts, and calls a payload aborted if another one's failure ended it", async () => {
    const { ended } = subscribe();
    let failures = 2;
    const flaky = createDriver({
      setIfAbsent: async (...args) => {
        if (failures-- > 0) throw new Error('LOADING Redis is loading the dataset in memory');
        return client.setIfAbsent(...args);
      },
    });
    await new RedisStorageDriver({ client: flaky['options'].client }).store({}, [PAYLOAD]);
    expect(ended).toMatchObject([{ outcome: 'inserted', attempts: 3 }]);
    expect(ended.splice(0)[0]!.requestMs).toBeGreaterThan(50);

    let calls = 0;
    const failing = createDriver({
      setIfAbsent: () => (calls++ === 0 ? Promise.reject(new Error('OOM')) : new Promise(() => {})),
    });
    const other: Payload = { metadata: {}, data: Buffer.from('other') };
    await expect(failing.store({}, [PAYLOAD, other])).rejects.toThrow('store failed');
    expect(ended.map(({ outcome }) => outcome)).toEqual(['failed', 'aborted']);
  });

  it('has none of the content, whatever happens', async () => {
    const messages: unknown[] = [];
    for (const channel of CHANNELS) {
      for (const event of ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const) {
        const keep = (message: unknown): unknown => messages.push(message);
        channel[event].subscribe(keep);
        subscriptions.push(() => channel[event].unsubscribe(keep));
      }
    }
    const driver = createDriver();
    const claims = await driver.store({ target: TARGET }, [PAYLOAD]);
    await driver.retrieve({}, claims);
    const repeating = Object.assign(new Error('refused'), { command: { args: ['key', PAYLOAD.data] } });
    await createDriver({ setIfAbsent: () => Promise.reject(repeating) })
      .store({}, [PAYLOAD])
      .catch(() => {});
    expect(messages.length).toBeGreaterThanOrEqual(13);
    const shown = inspect(messages, { depth: 9, showHidden: true, maxArrayLength: null });
    expect(shown).not.toContain(CONTENT);
    expect(shown).not.toContain([...Buffer.from(CONTENT)].slice(0, 6).join(', '));
    expect(shown).not.toContain(inspect(Buffer.from(CONTENT)).slice(8, 30));
  });

  it('is not made while nobody listens', async () => {
    const trace = jest.spyOn(Object.getPrototypeOf(CHANNELS[0]) as (typeof CHANNELS)[0], 'tracePromise');
    const driver = createDriver();
    const claims = await driver.store({}, [PAYLOAD]);
    await driver.retrieve({}, claims);
    expect(trace).not.toHaveBeenCalled();
    subscribe();
    await driver.retrieve({}, claims);
    expect(trace).toHaveBeenCalledTimes(1);
  });
});

/** A meter that keeps what is recorded, by metric. */
function createMeter(fail = false): {
  meter: MetricMeter;
  recorded: Record<string, { value: number; tags: object }[]>;
} {
  const recorded: Record<string, { value: number; tags: object }[]> = {};
  const createMetric = (name: string, ...[, unit]: unknown[]): object => {
    const keep = (value: number, tags: MetricTags = {}): void => {
      if (fail) throw new Error('broken meter');
      (recorded[name] ??= []).push({ value, tags });
    };
    return { name, unit, record: keep, add: keep };
  };
  return { meter: { createHistogram: createMetric, createCounter: createMetric } as unknown as MetricMeter, recorded };
}

describe('recordMetrics', () => {
  it('records durations in seconds, sizes in bytes, and retries, without a key as a tag', async () => {
    const { meter, recorded } = createMeter();
    subscriptions.push(recordMetrics(meter));
    let failures = 1;
    const driver = createDriver({
      setIfAbsent: async (...args) => {
        if (failures-- > 0) throw new Error('LOADING Redis is loading the dataset in memory');
        return client.setIfAbsent(...args);
      },
    });
    const claims = await new RedisStorageDriver({ client: driver['options'].client }).store({}, [PAYLOAD]);
    await driver.retrieve({}, claims);
    client.entries.clear();
    await expect(driver.retrieve({}, claims)).rejects.toThrow('not found');

    const tags = [
      { operation: 'store', outcome: 'inserted', driver_name: 'redis' },
      { operation: 'retrieve', outcome: 'read', driver_name: 'redis' },
      { operation: 'retrieve', outcome: 'not_found', driver_name: 'redis' },
    ];
    const size = Number(claims[0]!.claimData['size']);
    expect(recorded['redis_storage_payload_size']).toEqual(tags.map((each) => ({ value: size, tags: each })));
    expect(recorded['redis_storage_retries']).toEqual([{ value: 1, tags: tags[0] }]);
    for (const name of ['redis_storage_operation_duration', 'redis_storage_queue_duration']) {
      expect(recorded[name]!.map((each) => each.tags)).toEqual(tags);
      for (const { value } of recorded[name]!) expect(value).toBeLessThan(5);
    }
    expect(recorded['redis_storage_operation_duration']![0]!.value).toBeGreaterThan(0.04);
  });

  it('ends when its result is called', async () => {
    const { meter, recorded } = createMeter();
    recordMetrics(meter)();
    await createDriver().store({}, [PAYLOAD]);
    expect(recorded).toEqual({});
  });

  it('does no harm if the meter throws', async () => {
    subscriptions.push(recordMetrics(createMeter(true).meter));
    await expect(createDriver().store({}, [PAYLOAD])).resolves.toHaveLength(1);
    await new Promise((resolve) => setTimeout(resolve, 10));
  });
});
