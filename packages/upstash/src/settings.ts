/**
 * The URL of a database's REST API, and its token.
 *
 * @experimental
 */
export interface UpstashCredentials {
  /** The database's https URL, as in `UPSTASH_REDIS_REST_URL`. */
  url: string;
  /** The database's REST token, as in `UPSTASH_REDIS_REST_TOKEN`. */
  token: string;
}

/**
 * The methods by which a `Redis` of `@upstash/redis` (1.12 or newer, for any platform) is recognized.
 *
 * @experimental
 */
export interface UpstashRedis {
  createScript(script: string): unknown;
  pipeline(): unknown;
}

/** The settings of a `Redis`, or the defaults of `@upstash/redis`. */
export interface UpstashSettings {
  /** Without a trailing slash. */
  readonly baseUrl: string;
  readonly host: string;
  readonly token: string;
  /** How many times a failed request is retried. */
  readonly retries: number;
  /** The delay before a retry in milliseconds; the first retry is number 0. */
  readonly backoff: (retry: number) => number;
  /** A signal that aborts requests, in addition to the caller's. */
  readonly signal: () => AbortSignal | undefined;
  readonly keepAlive: boolean;
  readonly readYourWrites: boolean;
}

/** The fields of the library's HTTP client, where it keeps the options of its `Redis`. All may be missing. */
interface HttpClient {
  baseUrl?: unknown;
  headers?: { authorization?: unknown };
  retry?: { attempts?: unknown; backoff?: unknown };
  options?: { signal?: unknown; keepAlive?: unknown };
  readYourWrites?: unknown;
}

/** @throws TypeError that says what was expected, and never contains a URL or token */
export function resolveSettings(source: UpstashRedis | UpstashCredentials): UpstashSettings {
  const { client, url, token } = (source ?? {}) as { client?: unknown; url?: unknown; token?: unknown };
  if (typeof client === 'object' && client !== null) return resolveRedisSettings(client);
  if (typeof source !== 'object' || (url === undefined && token === undefined)) {
    throw new TypeError(
      'UpstashStorageDriverClient takes a Redis of @upstash/redis, version 1.12 or newer, or { url, token }, ' +
        `got ${formatType(source)}`,
    );
  }
  return { ...parseEndpoint(url), token: parseToken(token), ...resolveClientOptions({}) };
}

function resolveRedisSettings(client: HttpClient): UpstashSettings {
  const { baseUrl, headers } = client;
  if (baseUrl === undefined || headers === undefined) {
    throw new TypeError('This Redis uses a custom Requester, so its URL is unknown: pass { url, token } instead');
  }
  // Without a token the library sends `Bearer undefined`.
  const [, token] = /^Bearer (?!undefined$)(.+)$/s.exec(String(headers.authorization)) ?? [];
  return { ...parseEndpoint(baseUrl), token: parseToken(token), ...resolveClientOptions(client) };
}

function resolveClientOptions({
  retry,
  options,
  readYourWrites,
}: HttpClient): Omit<UpstashSettings, 'baseUrl' | 'host' | 'token'> {
  const { attempts, backoff } = retry ?? {};
  const { signal, keepAlive } = options ?? {};
  return {
    retries: typeof attempts === 'number' ? attempts : 5,
    backoff:
      typeof backoff === 'function' ? (backoff as UpstashSettings['backoff']) : (retries) => Math.exp(retries) * 50,
    signal:
      typeof signal === 'function' ? (signal as UpstashSettings['signal']) : () => signal as AbortSignal | undefined,
    keepAlive: keepAlive !== false,
    readYourWrites: readYourWrites !== false,
  };
}

const EXPECTED_URL = "url must be the https URL of the database's REST API";

function parseEndpoint(url: unknown): Pick<UpstashSettings, 'baseUrl' | 'host'> {
  if (typeof url !== 'string') throw new TypeError(`${EXPECTED_URL}, got ${formatType(url)}`);
  if (!URL.canParse(url) || /\s/.test(url)) throw new TypeError(`${EXPECTED_URL}, got a string that isn't a URL`);
  const { protocol, origin, host, pathname, username, password, search, hash } = new URL(url);
  if (protocol !== 'https:' && protocol !== 'http:') throw new TypeError(`${EXPECTED_URL}, got a ${protocol} URL`);
  if (username || password || search || hash) {
    throw new TypeError(`${EXPECTED_URL}, got one with credentials, a query or a fragment`);
  }
  return { baseUrl: origin + pathname.replace(/\/+$/, ''), host };
}

function parseToken(token: unknown): string {
  if (typeof token !== 'string') throw new TypeError(`token must be a string, got ${formatType(token)}`);
  // fetch's error for an invalid header contains the header, i.e. the token.
  if (!/^[\x21-\x7e]+$/.test(token)) throw new TypeError('token must be printable ASCII without spaces, and not empty');
  return token;
}

/** Only the type, because the value may be a URL with a password. */
function formatType(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  return typeof value === 'object' ? `an object (${value.constructor?.name ?? 'no prototype'})` : `a ${typeof value}`;
}
