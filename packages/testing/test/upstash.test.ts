import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis, type RedisConfigNodejs } from '@upstash/redis';
import { startRedis, type RunningRedis } from '../src/servers/redis';
import { startUpstash, type UpstashServer } from '../src/upstash/server';

let redis: RunningRedis;
let replica: RunningRedis;
let upstash: UpstashServer;
let lagging: UpstashServer;
let key: string;

beforeAll(async () => {
  redis = await startRedis();
  replica = await startRedis();
  upstash = await startUpstash({ redis });
  lagging = await startUpstash({ redis, replica: { ...replica, lagMs: 600_000 } });
});
afterAll(async () => {
  await lagging?.stop();
  await upstash?.stop();
  await replica?.stop();
  await redis?.stop();
});
beforeEach(() => {
  key = randomUUID();
});
afterEach(() => {
  upstash.intercept = (_request, apply) => apply();
});

interface Request {
  method?: string;
  body?: string | Uint8Array;
  headers?: Record<string, string>;
}

/** Sends a request with the standard token. */
async function send(path: string, init: Request = {}, { url, token } = upstash): Promise<Response> {
  return fetch(url + path, { ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } });
}

async function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return send(path, { method: 'POST', body: JSON.stringify(body), headers });
}

async function sendForResp2(command: unknown[]): Promise<string> {
  const response = await post('/', command, { 'upstash-response-format': 'resp2' });
  expect(response.headers.get('content-type')).toBe('application/octet-stream');
  return Buffer.from(await response.arrayBuffer()).toString('latin1');
}

function createLibraryClient(options: Partial<RedisConfigNodejs> = {}): Redis {
  return new Redis({ url: upstash.url, token: upstash.token, ...options });
}

async function readKey(server: UpstashServer, headers: Record<string, string> = {}): Promise<unknown> {
  return (await send(`/get/${key}`, { headers }, server)).json();
}

describe('the unmodified @upstash/redis', () => {
  it('sets and gets text, objects and numbers', async () => {
    const values = ['grüße\n', { deep: [1, null, '%2F'] }, 42, '', true];
    for (const value of values) {
      await createLibraryClient().set(key, value);
      expect(await createLibraryClient().get(key)).toEqual(value);
    }
  });

  it('gets objects also without base64', async () => {
    const plain = createLibraryClient({ responseEncoding: false });
    await plain.set(key, { text: 'grüße' });
    expect(await plain.get(key)).toEqual({ text: 'grüße' });
  });

  it('sets a key once with setnx, and with the options of set', async () => {
    expect(await createLibraryClient().setnx(key, 'first')).toBe(1);
    expect(await createLibraryClient().setnx(key, 'second')).toBe(0);
    expect(await createLibraryClient().set(key, 'third', { nx: true, px: 60_000 })).toBeNull();
    expect(await createLibraryClient().set(key, 'fourth', { px: 60_000, get: true })).toBe('first');
    expect(await createLibraryClient().pttl(key)).toBeGreaterThan(1000);
  });

  it('runs scripts', async () => {
    const reply = await createLibraryClient().eval(
      "return {KEYS[1], ARGV[1], 7, redis.call('SET', KEYS[1], ARGV[1])}",
      [key],
      ['x'],
    );
    expect(reply).toEqual([key, 'x', 7, expect.anything()]);
  });

  it('runs pipelines, and reports the error of each command', async () => {
    const replies = await createLibraryClient().pipeline().set(key, 'x').incr(key).get(key).exec({ keepErrors: true });
    expect(replies.map(({ result }) => result)).toEqual(['OK', undefined, 'x']);
    expect(replies[1]?.error).toContain('ERR value is not an integer');
  });

  it('runs automatic pipelines', async () => {
    const client = createLibraryClient({ enableAutoPipelining: true });
    expect(await Promise.all([client.set(key, 'x'), client.get(key), client.strlen(key)])).toEqual(['OK', 'x', 1]);
  });

  it('runs transactions', async () => {
    expect(await createLibraryClient().multi().set(key, 1).incr(key).exec()).toEqual(['OK', 2]);
  });

  it('reads its own writes on a lagging replica, which another client does not see', async () => {
    const client = new Redis(lagging);
    await client.set(key, 'x');
    expect(await new Redis(lagging).get(key)).toBeNull();
    expect(await client.get(key)).toBe('x');
  });

  it('can read and cannot write with the read-only token', async () => {
    const readOnly = createLibraryClient({ token: upstash.readOnlyToken });
    await createLibraryClient().set(key, 'x');
    expect(await readOnly.get(key)).toBe('x');
    await expect(readOnly.set(key, 'y')).rejects.toThrow('NOPERM');
    await expect(readOnly.eval('return 1', [], [])).rejects.toThrow('NOPERM');
    await expect(readOnly.keys('*')).rejects.toThrow('NOPERM');
    await expect(readOnly.scan(0)).rejects.toThrow('NOPERM');
  });

  it('gets an error with a wrong token', async () => {
    await expect(createLibraryClient({ token: randomUUID() }).get(key)).rejects.toThrow(
      'WRONGPASS invalid or missing auth token',
    );
  });
});

describe('a request to the Upstash endpoint', () => {
  it('can be a command in the path', async () => {
    expect(await (await send(`/set/${key}%2F%25%3F/a%20b/EX/100`)).json()).toEqual({ result: 'OK' });
    expect(await (await post('/', ['GET', `${key}/%?`])).json()).toEqual({ result: 'a b' });
  });

  it('has its body as the next argument, byte for byte, and then the parameters of its query', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    await send(`/set/${key}?PX=60000`, { method: 'POST', body: bytes });
    expect(await sendForResp2(['GET', key])).toBe(`$256\r\n${bytes.toString('latin1')}\r\n`);
    expect(await sendForResp2(['PTTL', key])).toMatch(/^:[1-9]\d+\r\n$/);
    expect(await (await send(`/append/${key}`, { method: 'PUT', body: 'x' })).json()).toEqual({ result: 257 });
  });

  it('has no additional argument when its body is empty', async () => {
    expect(await (await send('/publish/channel/message', { method: 'POST' })).json()).toEqual({ result: 0 });
    expect((await send(`/setnx/${key}`, { method: 'POST' })).status).toBe(400);
  });

  it('can be a JSON array', async () => {
    expect(await (await post('/', ['SET', key, 'x', 'EX', 100])).json()).toEqual({ result: 'OK' });
    expect(await (await post('/', ['STRLEN', key])).json()).toEqual({ result: 1 });
  });

  it('can have its token in the query', async () => {
    expect(await (await fetch(`${upstash.url}/echo/x?_token=${upstash.token}`)).json()).toEqual({ result: 'x' });
    expect((await fetch(`${upstash.url}/echo/x?_token=wrong`)).status).toBe(401);
    expect((await fetch(`${upstash.url}/echo/x`)).status).toBe(401);
  });

  it('can have the method HEAD, but not DELETE', async () => {
    expect((await send('/echo/x', { method: 'HEAD' })).status).toBe(200);
    expect((await send('/echo/x', { method: 'DELETE' })).status).toBe(405);
  });

  it.each([
    ['a query flag without a value', `/set/key?NX`, 'body'],
    ['an empty query value', `/set/key?NX=`, 'body'],
    ['a query without a body', `/set/key/value?EX=100`, undefined],
    ['an empty segment', `/get/`, undefined],
    ['malformed percent-encoding', `/get/%zz`, undefined],
    ['an unknown command', `/nosuch/x`, 'body'],
    ['a blocking command', `/blpop/x/1`, undefined],
    ['a command that changes the connection', `/select/1`, undefined],
    ['an argument that is neither text nor a number', '/', '["SET","key",null]'],
    ['a body that is not JSON', '/', 'x'],
  ])('is refused for %s', async (_title: string, path: string, body?: string) => {
    const response = await send(path, body === undefined ? {} : { method: 'POST', body });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ error: expect.stringMatching(/^ERR /) as string });
  });

  it('is refused for a segment of dots, which URL parsers drop', async () => {
    const { hostname, port } = new URL(upstash.url);
    for (const path of ['/get/..', '/get/%2E']) {
      const sent = get({ hostname, port, path, headers: { authorization: `Bearer ${upstash.token}` } });
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      response.resume();
      expect(response.statusCode).toBe(400);
    }
  });

  it('is refused if it or its reply is over the size limit', async () => {
    const limit = 10 * 1024 * 1024;
    const fits = Buffer.alloc(limit - key.length - 'SETNX'.length, 'x');
    expect((await send(`/SETNX/${key}`, { method: 'POST', body: fits })).status).toBe(200);
    const refused = await send(`/APPEND/${key}`, { method: 'POST', body: fits });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toEqual({ error: expect.stringMatching(/max request size exceeded/) as string });
    await post('/', ['APPEND', key, 'x'.repeat(100)]);
    expect(await (await post('/', ['GET', key])).json()).toEqual({
      error: expect.stringMatching(/max request size exceeded/) as string,
    });
  });
});

describe('a response of the Upstash endpoint', () => {
  it('is JSON, in which bytes that are not UTF-8 become U+FFFD', async () => {
    await send(`/set/${key}`, { method: 'POST', body: Buffer.from([0x61, 0xff]) });
    const response = await post('/', ['MGET', key, 'absent']);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toEqual({ result: ['a\ufffd', null] });
  });

  it('is base64 except for OK, if the request asks for it', async () => {
    const headers = { 'upstash-encoding': 'base64' };
    expect(await (await post('/', ['SET', key, 'OK'], headers)).json()).toEqual({ result: 'OK' });
    expect(await (await post('/', ['MGET', key, 'absent'], headers)).json()).toEqual({ result: ['T0s=', null] });
    expect(await (await post('/', ['STRLEN', key], headers)).json()).toEqual({ result: 2 });
  });

  it('is RESP2 as Redis sends it, if the request asks for it', async () => {
    expect(await sendForResp2(['SET', key, 'x'])).toBe('+OK\r\n');
    expect(await sendForResp2(['GET', key])).toBe('$1\r\nx\r\n');
    expect(await sendForResp2(['GET', 'absent'])).toBe('$-1\r\n');
    expect(await sendForResp2(['EVAL', 'return {1, {"a"}, false}', 0])).toBe('*3\r\n:1\r\n*1\r\n$1\r\na\r\n$-1\r\n');
    expect(await sendForResp2(['LPUSH', key, 'x'])).toMatch(/^-WRONGTYPE .*\r\n$/);
    expect(await sendForResp2(['EVAL', 'return string.rep("x", 1000000)', 0])).toHaveLength(
      '$1000000\r\n\r\n'.length + 1e6,
    );
  });

  it('is an error with status 400 if Redis refuses the command', async () => {
    await post('/', ['LPUSH', key, 'x']);
    const response = await post('/', ['GET', key]);
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ error: expect.stringMatching(/^WRONGTYPE /) as string });
  });

  it('has no other format', async () => {
    const refused = [
      { 'upstash-response-format': 'resp3' },
      { 'upstash-encoding': 'hex' },
      { 'upstash-encoding': 'base64', 'upstash-response-format': 'resp2' },
    ];
    for (const headers of refused) expect((await post('/', ['PING'], headers)).status).toBe(400);
    const transaction = await post('/multi-exec', [['GET', key]], { 'upstash-response-format': 'resp2' });
    expect(transaction.status).toBe(400);
  });

  it('to a pipeline contains each result or error', async () => {
    const commands = [
      ['SET', key, 'x'],
      ['INCR', key],
      ['SELECT', 1],
      ['GET', key],
    ];
    const error = expect.stringMatching(/^ERR /) as string;
    expect(await (await post('/pipeline', commands)).json()).toEqual([
      { result: 'OK' },
      { error },
      { error },
      { result: 'x' },
    ]);
  });

  it('to a transaction contains each result or error, or one error if it is discarded', async () => {
    const error = expect.stringMatching(/^ERR /) as string;
    const done = await post('/multi-exec', [
      ['SET', key, 'x'],
      ['INCR', key],
    ]);
    expect(await done.json()).toEqual([{ result: 'OK' }, { error }]);
    const discarded = await post('/multi-exec', [
      ['SET', key, 'y'],
      ['SELECT', 1],
    ]);
    expect(discarded.status).toBe(400);
    expect(await discarded.json()).toEqual({ error });
    const malformed = await post('/multi-exec', [['SET', key, 'y'], ['GET']]);
    expect(await malformed.json()).toEqual({ error });
    expect(await (await post('/', ['GET', key])).json()).toEqual({ result: 'x' });
  });
});

describe('a lagging replica of the Upstash endpoint', () => {
  it('applies the writes that a sync token requires before it serves the read', async () => {
    const before = await send('/ping', {}, lagging);
    const write = await send(`/set/${key}/x`, {}, lagging);
    expect(await readKey(lagging)).toEqual({ result: null });
    expect(await readKey(lagging, { 'upstash-sync-token': before.headers.get('upstash-sync-token')! })).toEqual({
      result: null,
    });
    expect(await readKey(lagging, { 'upstash-sync-token': write.headers.get('upstash-sync-token')! })).toEqual({
      result: 'x',
    });
    expect(await readKey(lagging)).toEqual({ result: 'x' });
  });

  it('does not serve EVAL, which runs on the primary', async () => {
    await send(`/set/${key}/x`, {}, lagging);
    const script = encodeURIComponent("return redis.call('GET', KEYS[1])");
    expect(await readKey(lagging)).toEqual({ result: null });
    expect(await (await send(`/eval/${script}/1/${key}`, {}, lagging)).json()).toEqual({ result: 'x' });
  });

  it('catches up after its lag', async () => {
    const quick = await startUpstash({ redis, replica: { ...replica, lagMs: 50 } });
    try {
      await send(`/set/${key}/x`, {}, quick);
      expect(await readKey(quick)).toEqual({ result: null });
      for (let tries = 0; tries < 200; tries++) {
        const { result } = (await readKey(quick)) as { result: unknown };
        if (result === 'x') return;
        await sleep(50);
      }
      throw new Error('The replica never caught up');
    } finally {
      await quick.stop();
    }
  });

  it('refuses a sync token of another database', async () => {
    const other = await send('/ping');
    const headers = { 'upstash-sync-token': other.headers.get('upstash-sync-token')! };
    expect((await send(`/get/${key}`, { headers }, lagging)).status).toBe(400);
  });
});

describe('the intercept function of the Upstash endpoint', () => {
  it('can respond instead of the endpoint', async () => {
    upstash.intercept = async () => ({ status: 429, headers: { 'retry-after': '1' }, body: Buffer.from('slow down') });
    const response = await send(`/set/${key}/x`);
    expect([response.status, response.headers.get('retry-after'), await response.text()]).toEqual([
      429,
      '1',
      'slow down',
    ]);
  });

  it('can drop the connection before or after the request is applied', async () => {
    upstash.intercept = async () => undefined;
    await expect(send(`/set/${key}/x`)).rejects.toThrow('fetch failed');
    upstash.intercept = async (_request, apply) => {
      await apply();
      return undefined;
    };
    await expect(send(`/incr/${key}`)).rejects.toThrow('fetch failed');
    upstash.intercept = (_request, apply) => apply();
    expect(await (await send(`/get/${key}`)).json()).toEqual({ result: '1' });
  });
});
