import { Redis } from '@upstash/redis';
import { Redis as OldestRedis } from 'upstash-redis-oldest';
import { UpstashStorageDriverClient } from '../src';
import { resolveSettings } from '../src/settings';

const url = 'https://example.upstash.io';
const token = 'a-token_that-must-not-be-shown==';

const backoff = (): number => 7;

/** Returns the message of the TypeError that the constructor throws. */
function catchErrorMessage(source: unknown): string {
  let thrown: unknown;
  try {
    thrown = new UpstashStorageDriverClient(source as never);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(TypeError);
  const { message } = thrown as TypeError;
  expect(message).not.toContain('must-not-be-shown');
  return message;
}

describe('resolveSettings', () => {
  it('accepts a Redis, and follows its settings', () => {
    const { signal } = new AbortController();
    const redis = new Redis({
      url,
      token,
      retry: { retries: 2, backoff },
      signal,
      keepAlive: false,
      readYourWrites: false,
    });

    const settings = resolveSettings(redis);

    expect(settings).toMatchObject({
      baseUrl: url,
      host: 'example.upstash.io',
      token,
      retries: 2,
      backoff,
      keepAlive: false,
      readYourWrites: false,
    });
    expect(settings.signal()).toBe(signal);
  });

  it('accepts { url, token }, with the defaults of @upstash/redis', () => {
    const fromRedis = resolveSettings(new Redis({ url, token }));
    const fromCredentials = resolveSettings({ url, token });

    expect(fromCredentials).toEqual({
      ...fromRedis,
      backoff: expect.any(Function) as unknown,
      signal: expect.any(Function) as unknown,
    });
    expect([0, 1, 5].map(fromCredentials.backoff)).toEqual([0, 1, 5].map(fromRedis.backoff));
    expect(fromCredentials.signal()).toBeUndefined();
  });

  it.each([
    ['of the oldest supported version', () => new OldestRedis({ url, token, retry: { retries: 5 } })],
    ['with automatic pipelining', () => new Redis({ url, token, enableAutoPipelining: true })],
    ['with a URL that ends with a slash', () => new Redis({ url: `${url}/`, token })],
  ])('accepts a Redis %s', (_title, createRedis) => {
    expect(resolveSettings(createRedis())).toMatchObject({
      baseUrl: url,
      token,
      retries: 5,
      keepAlive: true,
      readYourWrites: true,
    });
  });

  it("calls a Redis's signal function for each request", () => {
    const { signal } = resolveSettings(new Redis({ url, token, signal: () => new AbortController().signal }));

    expect(signal()).toBeInstanceOf(AbortSignal);
    expect(signal()).not.toBe(signal());
  });

  it.each([
    ['https://example.upstash.io', 'https://example.upstash.io', 'example.upstash.io'],
    ['https://example.upstash.io/', 'https://example.upstash.io', 'example.upstash.io'],
    ['http://localhost:8079', 'http://localhost:8079', 'localhost:8079'],
    ['https://proxy.example/upstash/', 'https://proxy.example/upstash', 'proxy.example'],
  ])('accepts the URL %s', (given, baseUrl, host) => {
    expect(resolveSettings({ url: given, token })).toMatchObject({ baseUrl, host });
  });

  it.each([
    ['rediss://default:must-not-be-shown@example.upstash.io:6379', 'got a rediss: URL'],
    ['https://default:must-not-be-shown@example.upstash.io', 'got one with credentials, a query or a fragment'],
    ['https://example.upstash.io/?_token=must-not-be-shown', 'got one with credentials, a query or a fragment'],
    ['https://example.upstash.io/#must-not-be-shown', 'got one with credentials, a query or a fragment'],
    [' https://example.upstash.io', "got a string that isn't a URL"],
    ['example.upstash.io/must-not-be-shown', "got a string that isn't a URL"],
    ['', "got a string that isn't a URL"],
    [undefined, 'got undefined'],
    [null, 'got null'],
    [new URL(url), 'got an object (URL)'],
  ])('refuses the URL %s', (given, got) => {
    expect(catchErrorMessage({ url: given, token })).toBe(
      `url must be the https URL of the database's REST API, ${got}`,
    );
  });

  it.each([undefined, null, 7])('refuses the token %s', (given) => {
    expect(catchErrorMessage({ url, token: given })).toMatch(/^token must be a string, got (undefined|null|a number)$/);
  });

  it.each(['', 'must-not-be-shown\n', 'must-not-be-shown token', 'must-not-be-shown-é'])(
    'refuses the token %j',
    (given) => {
      expect(catchErrorMessage({ url, token: given })).toBe(
        'token must be printable ASCII without spaces, and not empty',
      );
    },
  );

  it('refuses a Redis with a custom Requester, and says what to pass instead', () => {
    const redis = new Redis({ request: async () => ({}) });

    expect(catchErrorMessage(redis)).toContain('pass { url, token } instead');
  });

  it('refuses a Redis without a URL or without a token', () => {
    jest.spyOn(console, 'warn').mockImplementation(() => {});

    expect(catchErrorMessage(new Redis({ url: undefined, token }))).toMatch(/^url must be /);
    expect(catchErrorMessage(new Redis({ url, token: undefined }))).toBe('token must be a string, got undefined');
  });

  it.each([
    ['https://default:must-not-be-shown@example.upstash.io', 'a string'],
    [undefined, 'undefined'],
    [null, 'null'],
    [{}, 'an object (Object)'],
    [new Map(), 'an object (Map)'],
    [Object.create(null), 'an object (no prototype)'],
    [() => {}, 'a function'],
  ])('refuses %s, and names only its type', (source, got) => {
    expect(catchErrorMessage(source)).toBe(
      'UpstashStorageDriverClient takes a Redis of @upstash/redis, version 1.12 or newer, or { url, token }, ' +
        `got ${got}`,
    );
  });
});

describe('UpstashStorageDriverClient.fromEnv', () => {
  const NAMES = ['UPSTASH_REDIS_REST_URL', 'UPSTASH_REDIS_REST_TOKEN', 'KV_REST_API_URL', 'KV_REST_API_TOKEN'] as const;
  const original = { ...process.env };

  beforeEach(() => {
    for (const name of NAMES) delete process.env[name];
  });
  afterAll(() => {
    process.env = original;
  });

  it.each([
    ['UPSTASH_REDIS_REST_URL', 'UPSTASH_REDIS_REST_TOKEN'],
    ['KV_REST_API_URL', 'KV_REST_API_TOKEN'],
    ['KV_REST_API_URL', 'UPSTASH_REDIS_REST_TOKEN'],
  ])('reads %s and %s', (urlName, tokenName) => {
    process.env[urlName] = url;
    process.env[tokenName] = token;

    expect(UpstashStorageDriverClient.fromEnv().describe()).toEqual({ host: 'example.upstash.io' });
  });

  it("prefers Upstash's own names", () => {
    Object.assign(process.env, {
      UPSTASH_REDIS_REST_URL: url,
      UPSTASH_REDIS_REST_TOKEN: token,
      KV_REST_API_URL: 'https://other.upstash.io',
      KV_REST_API_TOKEN: 'other',
    });

    expect(UpstashStorageDriverClient.fromEnv().describe()).toEqual({ host: 'example.upstash.io' });
  });

  it('names the missing environment variable', () => {
    expect(() => UpstashStorageDriverClient.fromEnv()).toThrow(
      'UPSTASH_REDIS_REST_URL (or KV_REST_API_URL) is not set',
    );
    process.env.KV_REST_API_URL = url;
    expect(() => UpstashStorageDriverClient.fromEnv()).toThrow(
      'UPSTASH_REDIS_REST_TOKEN (or KV_REST_API_TOKEN) is not set',
    );
  });
});
