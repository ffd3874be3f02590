import { randomBytes, randomUUID } from 'node:crypto';
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import { startRedis, startUpstash, type RunningRedis, type UpstashServer } from '@temporal-redis-storage/testing';
import { createClient, RESP_TYPES } from 'redis';
import { UpstashStorageDriverClient } from '../src';
import { catchRejectionWithout } from './rejection';

const connect = (url: string) =>
  createClient({ url })
    .withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
    .connect();

let redis: RunningRedis;
let tcp: Awaited<ReturnType<typeof connect>>;
let upstash: UpstashServer;
let client: UpstashStorageDriverClient;
let key: string;

beforeAll(async () => {
  redis = await startRedis();
  tcp = await connect(redis.url);
  upstash = await startUpstash({ redis });
  client = new UpstashStorageDriverClient(upstash);
});
afterAll(async () => {
  await upstash?.stop();
  tcp?.destroy();
  await redis?.stop();
});
beforeEach(() => {
  key = randomUUID();
});
afterEach(() => {
  upstash.intercept = (_request, apply) => apply();
});

/** Returns the error that a promise rejects with. Fails if the error shows a token or the payload. */
async function catchRejection(promise: Promise<unknown>, payload?: Uint8Array): Promise<Error> {
  const secrets = [upstash.token, upstash.readOnlyToken];
  if (payload !== undefined) secrets.push(Buffer.from(payload).toString('latin1').slice(0, 20));
  return catchRejectionWithout(secrets, promise);
}

describe('the key', () => {
  it.each([
    ...[
      'a/b//c/',
      '/',
      'a%2Fb',
      '100%',
      '%',
      'a?b=c&d#e',
      'a b+c',
      "-_.!~*'()",
      ';:@=,$[]{}|^`"<>',
      'a\\b',
      'a\u0000\r\n\tb',
      'ключ/鍵/😀',
      './a',
      '../a',
      '...',
      'pipeline',
      'temporalio:payloads:v0:ns:a%2Fb:wt:T%25:wi:%E2%82%AC:ri:null:d:sha256:00ff',
    ].map((text) => ({ title: JSON.stringify(text), text })),
    { title: '4 KiB of reserved characters', text: '%/'.repeat(2048) },
    { title: '4 KiB of three-byte characters', text: '€'.repeat(1365) },
  ])('$title arrives unchanged, with a TTL and without', async ({ text: name }) => {
    const plain = `${name}${randomUUID()}${name}`;
    const expiring = `${name}${randomUUID()}`;

    expect(await client.setIfAbsent(plain, Buffer.from('plain'))).toBe(true);
    expect(await client.setIfAbsent(expiring, Buffer.from('expiring'), { ttlMs: 60_000 })).toBe(true);

    expect(await tcp.mGet([plain, expiring])).toEqual([Buffer.from('plain'), Buffer.from('expiring')]);
    expect(Buffer.from((await client.get(plain))!)).toEqual(Buffer.from('plain'));
  });

  it.each(['', '.', '..'])(
    '%j, which URL parsers drop, cannot be written and causes no request, but can be read',
    async (name) => {
      await tcp.set(name, 'x');
      const before = await tcp.dbSize();
      // As a separate command, this body would write another key.
      const body = Buffer.from(JSON.stringify(['SET', randomUUID(), 'x']));

      await expect(client.setIfAbsent(name, body)).rejects.toThrow(TypeError);
      await expect(client.setIfAbsent(name, body, { ttlMs: 1000 })).rejects.toThrow(TypeError);

      expect(await tcp.dbSize()).toBe(before);
      expect(Buffer.from((await client.get(name))!)).toEqual(Buffer.from('x'));
    },
  );
});

describe('setIfAbsent', () => {
  const allBytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

  it.each([undefined, 60_000])('writes the bytes unchanged, with the TTL %s', async (ttlMs) => {
    for (const data of [allBytes, Buffer.alloc(0), Buffer.from('"OK"'), Buffer.from('$-1\r\n'), randomBytes(1 << 20)]) {
      const name = randomUUID();
      expect(await client.setIfAbsent(name, data, ttlMs === undefined ? {} : { ttlMs })).toBe(true);
      // Comparing a megabyte with toEqual takes seconds.
      expect(data.equals((await tcp.get(name))!)).toBe(true);
      expect(data.equals((await client.get(name))!)).toBe(true);
    }
  });

  it('does not change the value or the TTL of an existing key', async () => {
    await tcp.set(key, 'first', { PX: 500_000 });

    for (const data of [allBytes, Buffer.alloc(0)]) {
      expect(await client.setIfAbsent(key, data)).toBe(false);
      expect(await client.setIfAbsent(key, data, { ttlMs: 1000 })).toBe(false);
    }

    expect(await tcp.get(key)).toEqual(Buffer.from('first'));
    expect(await tcp.pTTL(key)).toBeGreaterThan(400_000);
  });

  it.each([allBytes, Buffer.alloc(0)])('applies the TTL in milliseconds, and no TTL by default', async (data) => {
    await client.setIfAbsent(key, data, { ttlMs: 123_456 });
    const ttl = await tcp.pTTL(key);
    expect(ttl).toBeGreaterThan(60_000);
    expect(ttl).toBeLessThanOrEqual(123_456);

    await client.setIfAbsent(`${key}:forever`, data);
    expect(await tcp.pTTL(`${key}:forever`)).toBe(-1);
  });

  it('inserts once for many concurrent writers', async () => {
    const writes = Array.from({ length: 64 }, (_, i) => client.setIfAbsent(key, Buffer.from([i]), { ttlMs: 60_000 }));
    expect((await Promise.all(writes)).filter(Boolean)).toHaveLength(1);
  });
});

it('UpstashStorageDriverClient describes only its host', () => {
  expect(client.describe()).toEqual({ host: new URL(upstash.url).host });
});

describe('the error of a refused request gives the reason and advice for', () => {
  const PAGE = `<html>${'x'.repeat(5000)}</html>`;
  const data = Buffer.from('payload-content-that-must-not-be-shown');
  const createCalls = (subject: UpstashStorageDriverClient): (() => Promise<unknown>)[] => [
    () => subject.get(key),
    () => subject.setIfAbsent(key, data),
    () => subject.setIfAbsent(key, data, { ttlMs: 1000 }),
  ];

  it('a wrong token', async () => {
    const wrong = new UpstashStorageDriverClient({ url: upstash.url, token: 'must-not-be-shown' });
    for (const call of createCalls(wrong)) {
      const { message } = await catchRejectionWithout(['must-not-be-shown'], call());
      expect(message).toMatch(
        /^Upstash refused (GET|SETNX|EVAL) \(HTTP 401\): WRONGPASS invalid or missing auth token; check that the token/,
      );
    }
  });

  it('the read-only token, with which a miss is an error instead of null', async () => {
    const readOnly = new UpstashStorageDriverClient({ url: upstash.url, token: upstash.readOnlyToken });
    await client.setIfAbsent(key, data);

    expect(Buffer.from((await readOnly.get(key))!)).toEqual(data);
    key = randomUUID();
    for (const call of createCalls(readOnly)) {
      expect((await catchRejection(call(), data)).message).toMatch(/NOPERM .*; use the standard token/);
    }
  });

  it('a request over the size limit', async () => {
    const large = randomBytes(10 * 1024 * 1024);
    for (const options of [{}, { ttlMs: 1000 }]) {
      const { message } = await catchRejection(client.setIfAbsent(key, large, options), large);
      expect(message).toMatch(
        /ERR max request size exceeded\. .*; lower the driver's maxPayloadSize, or raise the plan's/,
      );
    }
    expect(await tcp.exists(key)).toBe(0);
  });

  it('a value over the size limit that another client wrote', async () => {
    await tcp.set(key, randomBytes(10 * 1024 * 1024 + 1));
    expect((await catchRejection(client.get(key))).message).toMatch(
      /ERR max request size exceeded.*; lower the driver's/,
    );
    await tcp.del(key);
  });

  it('a key that holds another type', async () => {
    await tcp.lPush(key, 'x');
    expect((await catchRejection(client.get(key))).message).toMatch(
      /WRONGTYPE Operation .*; something else writes to this key/,
    );
    expect(await client.setIfAbsent(key, data)).toBe(false);
  });

  it('a full database', async () => {
    await tcp.configSet('maxmemory', '1mb');
    try {
      for (const options of [{}, { ttlMs: 1000 }]) {
        const { message } = await catchRejection(client.setIfAbsent(key, data, options), data);
        expect(message).toMatch(/OOM command not allowed.*; the database is full/);
      }
    } finally {
      await tcp.configSet('maxmemory', '0');
    }
  });

  it.each([
    [413, '', /\(HTTP 413\); lower the driver's maxPayloadSize/],
    [414, '', /\(HTTP 414\); the key is too long for a server in between/],
    [431, '', /\(HTTP 431\); the key is too long for a server in between/],
    [403, 'forbidden', /\(HTTP 403\): forbidden; use the standard token/],
    [
      400,
      '{"error":"ERR max daily request limit exceeded"}',
      /: ERR max daily request limit exceeded; the rate limit or/,
    ],
    [400, '{"error":"ERR DB capacity quota exceeded"}', /: ERR DB capacity quota exceeded; the database is full/],
    [400, '{"error":"ERR of a new kind"}', /: ERR of a new kind$/],
    [400, '{"error":7}', /: \{"error":7\}$/],
    [400, 'null', /: null$/],
    [200, '-ERR of a new kind\r\n', /\(HTTP 200\): ERR of a new kind$/],
    [301, 'Moved', /\(HTTP 301\): Moved; check that url is the database's REST URL/],
    [404, PAGE, /^.{100,500}; check that url is the database's REST URL/],
  ])('HTTP %d %s', async (status, body, message) => {
    upstash.intercept = async () => ({ status, headers: { location: '/elsewhere' }, body: Buffer.from(body) });

    for (const call of createCalls(client)) {
      const error = await catchRejection(call(), data);
      expect(error.name).toBe('UpstashRequestError');
      expect(error.message).toMatch(message);
    }
  });

  it('an unknown command, without the token and, in the driver, without the arguments', async () => {
    const serverMessage = `ERR unknown command 'EVAL' for ${upstash.token}, with args beginning with: 'x' '${data.toString()}' `;
    upstash.intercept = async () => ({ status: 400, headers: {}, body: Buffer.from(`-${serverMessage}\r\n`) });

    const driver = new RedisStorageDriver({ client, ttl: 1000 });
    const { cause } = await catchRejection(driver.store({}, [{ data }]), data);

    expect((cause as Error).message).toBe("Upstash refused EVAL (HTTP 400): ERR unknown command 'EVAL' for [token]");
  });
});

describe('a response that is not exactly one complete reply', () => {
  it.each(['', '$5\r\nhel', '$3\r\nhello\r\n', '+OK\r\n', '*1\r\n:1\r\n', '{"result":"hello"}', '$1\r\n1\r\n:1\r\n'])(
    'makes reads and writes fail: %j',
    async (body) => {
      upstash.intercept = async () => ({ status: 200, headers: {}, body: Buffer.from(body) });
      expect((await catchRejection(client.get(key))).name).toBe('UpstashRequestError');
      expect((await catchRejection(client.setIfAbsent(key, Buffer.from('x')))).name).toBe('UpstashRequestError');
    },
  );

  it.each([':2\r\n', '$1\r\n1\r\n', '$-1\r\n'])('makes a write fail: %j', async (body) => {
    upstash.intercept = async () => ({ status: 200, headers: {}, body: Buffer.from(body) });
    expect((await catchRejection(client.setIfAbsent(key, Buffer.from('x')))).name).toBe('UpstashRequestError');
  });

  it('makes a read fail: an integer', async () => {
    upstash.intercept = async () => ({ status: 200, headers: {}, body: Buffer.from(':1\r\n') });
    expect((await catchRejection(client.get(key))).name).toBe('UpstashRequestError');
  });
});
