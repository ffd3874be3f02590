import { randomUUID } from 'node:crypto';
import { getEventListeners } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { startRedis, startUpstash, type RunningRedis, type UpstashServer } from '@temporal-redis-storage/testing';
import { Redis, type RedisConfigNodejs } from '@upstash/redis';
import { UpstashStorageDriverClient } from '../src';
import { catchRejectionWithout } from './rejection';

let redis: RunningRedis;
let upstash: UpstashServer;
let requests: IncomingHttpHeaders[];
let key: string;
const data = Buffer.from('payload-content-that-must-not-be-shown');
const hang = (): Promise<never> => new Promise(() => {});

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

/** Intercepts the first `count` requests to the endpoint. */
function interceptFirst(count: number, intercept: UpstashServer['intercept']): void {
  upstash.intercept = (request, apply) => {
    requests.push(request.headers);
    return requests.length <= count ? intercept(request, apply) : apply();
  };
}

async function catchRejection(promise: Promise<unknown>): Promise<Error> {
  return catchRejectionWithout([upstash.token, data.toString()], promise);
}

describe('a request', () => {
  it.each([429, 500, 503])('is retried after a response with status %d', async (status) => {
    interceptFirst(3, async () => ({ status, headers: {}, body: Buffer.from('busy') }));

    expect(await createClientFor().setIfAbsent(key, data)).toBe(true);

    expect(requests).toHaveLength(4);
  });

  it('is retried if the connection is dropped before the command runs', async () => {
    interceptFirst(3, async () => undefined);

    expect(await createClientFor().setIfAbsent(key, data, { ttlMs: 60_000 })).toBe(true);

    expect(Buffer.from((await createClientFor().get(key))!)).toEqual(data);
  });

  it('is retried if the connection is dropped after the command ran, and then a write resolves to false', async () => {
    interceptFirst(1, async (_request, apply) => {
      await apply();
      return undefined;
    });

    expect(await createClientFor().setIfAbsent(key, data)).toBe(false);

    expect(Buffer.from((await createClientFor().get(key))!)).toEqual(data);
  });

  it('is retried after the delay that the server asks for', async () => {
    interceptFirst(1, async () => ({ status: 429, headers: { 'retry-after': '1' }, body: Buffer.from('slow down') }));
    const start = performance.now();

    await createClientFor().setIfAbsent(key, data);

    expect(performance.now() - start).toBeGreaterThan(900);
  });

  it('is retried as often as the settings of the Redis allow, and then rejects with the last response', async () => {
    interceptFirst(Infinity, async () => ({ status: 429, headers: {}, body: Buffer.from('slow down') }));

    expect((await catchRejection(createClientFor().setIfAbsent(key, data))).message).toBe(
      'Upstash refused SETNX (HTTP 429): slow down; the rate limit or quota of the plan is reached: raise it, or send less',
    );

    expect(requests).toHaveLength(4);
  });

  it('is retried as often as the settings of the Redis allow, and then rejects with the last failure', async () => {
    interceptFirst(Infinity, async () => undefined);

    const error = await catchRejection(createClientFor().get(key));

    expect(error).toMatchObject({ name: 'UpstashRequestError', message: 'Upstash did not answer' });
    expect((error.cause as Error).message).toBe('fetch failed');
    expect(requests).toHaveLength(4);
  });

  it('is retried once if the Redis has retry: false, as in the library', async () => {
    interceptFirst(Infinity, async () => undefined);

    await catchRejection(createClientFor({ retry: false }).get(key));

    expect(requests).toHaveLength(2);
  });

  it('is not retried if Upstash refuses it', async () => {
    await catchRejection(createClientFor({ token: 'wrong' }).get(key));

    expect(requests).toHaveLength(1);
  });
});

it('a request to a server that cannot be reached rejects with an UpstashRequestError', async () => {
  const { url, ...server } = await startUpstash({ redis });
  await server.stop();

  const error = await catchRejection(createClientFor({ url }).get(key));

  expect(error).toMatchObject({ name: 'UpstashRequestError', message: 'Upstash did not answer' });
});

describe('an abort signal', () => {
  const reason = new Error('the reason');

  it.each(["the call's signal", "the Redis's signal", "the Redis's signal function"])(
    'that has already aborted rejects a call before any request: %s',
    async (which) => {
      const signal = AbortSignal.abort(reason);
      const client = createClientFor(
        which === "the Redis's signal"
          ? { signal }
          : which === "the Redis's signal function"
            ? { signal: () => signal }
            : {},
      );
      const options = which === "the call's signal" ? { abortSignal: signal } : {};

      await expect(client.get(key, options)).rejects.toBe(reason);
      await expect(client.setIfAbsent(key, data, options)).rejects.toBe(reason);
      await expect(client.setIfAbsent(key, data, { ...options, ttlMs: 1000 })).rejects.toBe(reason);

      expect(requests).toHaveLength(0);
    },
  );

  it.each(["the call's signal", "the Redis's signal"])('cancels a request in flight: %s', async (which) => {
    const controller = new AbortController();
    const isCallSignal = which === "the call's signal";
    const client = createClientFor({ retry: { retries: 0 }, ...(!isCallSignal && { signal: controller.signal }) });
    interceptFirst(Infinity, () => {
      controller.abort(reason);
      return hang();
    });

    const abortSignal = isCallSignal ? controller.signal : new AbortController().signal;
    await expect(client.get(key, { abortSignal })).rejects.toBe(reason);

    expect(requests).toHaveLength(1);
  });

  it('of a Redis has no listeners after a call', async () => {
    const { signal } = new AbortController();
    const client = createClientFor({ signal });

    await client.setIfAbsent(key, data);
    await client.get(key);

    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('ends the delay before a retry', async () => {
    const controller = new AbortController();
    interceptFirst(Infinity, async () => {
      setTimeout(() => controller.abort(reason), 100);
      return { status: 503, headers: {}, body: Buffer.from('') };
    });
    const client = createClientFor({ retry: { backoff: () => 600_000 } });

    await expect(client.setIfAbsent(key, data, { abortSignal: controller.signal })).rejects.toBe(reason);

    expect(requests).toHaveLength(1);
  });
});

it('a request asks for RESP2, bypasses caches, and sends no telemetry', async () => {
  await createClientFor().get(key);

  expect(requests).toHaveLength(2);
  for (const headers of requests) {
    expect(headers).toMatchObject({ 'upstash-response-format': 'resp2', 'cache-control': 'no-cache' });
    expect(Object.keys(headers).filter((name) => /telemetry/i.test(name))).toEqual([]);
  }
});

it('a request keeps its connection alive unless the Redis has keepAlive: false', async () => {
  await createClientFor().setIfAbsent(key, data);
  await createClientFor({ keepAlive: false }).setIfAbsent(key, data);

  expect(requests.map((headers) => headers.connection)).toEqual(['keep-alive', 'close']);
});
