import { randomUUID } from 'node:crypto';
import { getEventListeners } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { startRedis, startUpstash, type RunningRedis, type UpstashServer } from '@temporal-redis-storage/testing';
import { Redis, type RedisConfigNodejs } from '@upstash/redis';
import { UpstashStorageDriverClient } from '../src';
import { rejectionWithout } from './rejection';

let redis: RunningRedis;
let upstash: UpstashServer;
let requests: IncomingHttpHeaders[];
let key: string;
const data = Buffer.from('payload-content-that-must-not-be-shown');
const never = (): Promise<never> => new Promise(() => {});

beforeAll(async () => {
  redis = await startRedis();
  upstash = await startUpstash({ redis });
});
afterAll(async () => {
  await upstash?.stop();
  await redis?.stop();
});
beforeEach(() => {
  key = randomUUID();
  requests = [];
  upstash.intercept = (request, apply) => {
    requests.push(request.headers);
    return apply();
  };
});

function createClientFor(config: Partial<RedisConfigNodejs> = {}): UpstashStorageDriverClient {
  const { url, token } = upstash;
  return new UpstashStorageDriverClient(new Redis({ url, token, retry: { retries: 3, backoff: () => 1 }, ...config }));
}

/** Makes the endpoint treat the first requests otherwise. */
function takeFirst(count: number, otherwise: UpstashServer['intercept']): void {
  upstash.intercept = (request, apply) => {
    requests.push(request.headers);
    return requests.length <= count ? otherwise(request, apply) : apply();
  };
}

async function catchRejection(promise: Promise<unknown>): Promise<Error> {
  return rejectionWithout([upstash.token, data.toString()], promise);
}

describe('retries', () => {
  it.each([429, 500, 503])('a %d', async (status) => {
    takeFirst(3, async () => ({ status, headers: {}, body: Buffer.from('busy') }));

    expect(await createClientFor().setIfAbsent(key, data)).toBe(true);

    expect(requests).toHaveLength(4);
  });

  it('a connection that is dropped before the request is applied', async () => {
    takeFirst(3, async () => undefined);

    expect(await createClientFor().setIfAbsent(key, data, { ttlMs: 60_000 })).toBe(true);

    expect(Buffer.from((await createClientFor().get(key))!)).toEqual(data);
  });

  it('a connection that is dropped afterwards: the key is there, so the write resolves to false', async () => {
    takeFirst(1, async (_request, apply) => {
      await apply();
      return undefined;
    });

    expect(await createClientFor().setIfAbsent(key, data)).toBe(false);

    expect(Buffer.from((await createClientFor().get(key))!)).toEqual(data);
  });

  it('as long as the server asks', async () => {
    takeFirst(1, async () => ({ status: 429, headers: { 'retry-after': '1' }, body: Buffer.from('slow down') }));
    const start = performance.now();

    await createClientFor().setIfAbsent(key, data);

    expect(performance.now() - start).toBeGreaterThan(900);
  });

  it('no more often than the Redis is set to, and then reports the last response', async () => {
    takeFirst(Infinity, async () => ({ status: 429, headers: {}, body: Buffer.from('slow down') }));

    expect((await catchRejection(createClientFor().setIfAbsent(key, data))).message).toBe(
      'Upstash refused SETNX (HTTP 429): slow down; the rate limit or quota of the plan is reached: raise it, or send less',
    );

    expect(requests).toHaveLength(4);
  });

  it('no more often than the Redis is set to, and then reports the last failure', async () => {
    takeFirst(Infinity, async () => undefined);

    const error = await catchRejection(createClientFor().get(key));

    expect(error).toMatchObject({ name: 'UpstashRequestError', message: 'Upstash did not answer' });
    expect((error.cause as Error).message).toBe('fetch failed');
    expect(requests).toHaveLength(4);
  });

  it('once, as the library does, when the Redis has retry: false', async () => {
    takeFirst(Infinity, async () => undefined);

    await catchRejection(createClientFor({ retry: false }).get(key));

    expect(requests).toHaveLength(2);
  });

  it('not at all what Redis refuses', async () => {
    await catchRejection(createClientFor({ token: 'wrong' }).get(key));

    expect(requests).toHaveLength(1);
  });
});

it('reports a server that cannot be reached', async () => {
  const { url, ...server } = await startUpstash({ redis });
  await server.stop();

  const error = await catchRejection(createClientFor({ url }).get(key));

  expect(error).toMatchObject({ name: 'UpstashRequestError', message: 'Upstash did not answer' });
});

describe('an abort', () => {
  const reason = new Error('the reason');

  it.each(['its own signal', "the Redis's signal", "the Redis's signal function"])(
    'beforehand rejects before any request: by %s',
    async (which) => {
      const signal = AbortSignal.abort(reason);
      const client = createClientFor(
        which === "the Redis's signal"
          ? { signal }
          : which === "the Redis's signal function"
            ? { signal: () => signal }
            : {},
      );
      const options = which === 'its own signal' ? { abortSignal: signal } : {};

      await expect(client.get(key, options)).rejects.toBe(reason);
      await expect(client.setIfAbsent(key, data, options)).rejects.toBe(reason);
      await expect(client.setIfAbsent(key, data, { ...options, ttlMs: 1000 })).rejects.toBe(reason);

      expect(requests).toHaveLength(0);
    },
  );

  it.each(['its own signal', "the Redis's signal"])('cancels a request in flight: by %s', async (which) => {
    const controller = new AbortController();
    const own = which === 'its own signal';
    const client = createClientFor({ retry: { retries: 0 }, ...(!own && { signal: controller.signal }) });
    takeFirst(Infinity, () => {
      controller.abort(reason);
      return never();
    });

    const abortSignal = own ? controller.signal : new AbortController().signal;
    await expect(client.get(key, { abortSignal })).rejects.toBe(reason);

    expect(requests).toHaveLength(1);
  });

  it("leaves no listener on the Redis's signal", async () => {
    const { signal } = new AbortController();
    const client = createClientFor({ signal });

    await client.setIfAbsent(key, data);
    await client.get(key);

    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('ends the delay before a retry', async () => {
    const controller = new AbortController();
    takeFirst(Infinity, async () => {
      setTimeout(() => controller.abort(reason), 100);
      return { status: 503, headers: {}, body: Buffer.from('') };
    });
    const client = createClientFor({ retry: { backoff: () => 600_000 } });

    await expect(client.setIfAbsent(key, data, { abortSignal: controller.signal })).rejects.toBe(reason);

    expect(requests).toHaveLength(1);
  });
});

it('asks for RESP2, bypasses caches, and sends no telemetry', async () => {
  await createClientFor().get(key);

  expect(requests).toHaveLength(2);
  for (const headers of requests) {
    expect(headers).toMatchObject({ 'upstash-response-format': 'resp2', 'cache-control': 'no-cache' });
    expect(Object.keys(headers).filter((name) => /telemetry/i.test(name))).toEqual([]);
  }
});

it('keeps connections alive unless the Redis is set otherwise', async () => {
  await createClientFor().setIfAbsent(key, data);
  await createClientFor({ keepAlive: false }).setIfAbsent(key, data);

  expect(requests.map((headers) => headers.connection)).toEqual(['keep-alive', 'close']);
});
