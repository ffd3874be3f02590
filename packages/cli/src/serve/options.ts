import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { ValueError, type Duration } from '@temporalio/common';
import { parseDuration } from '../durations';
import type { RedisConnectionOptions } from '../redis-connection';
import { resolveKeyPrefix } from '../scan';

/**
 * Options of `servePayloads`.
 *
 * @experimental
 */
export interface ServeOptions extends RedisConnectionOptions {
  /** The driver's `keyPrefix`: payloads under another one are refused. Defaults to `temporalio:payloads`. */
  keyPrefix?: string;
  /** The driver's `driverName`. Defaults to `redis`. */
  driverName?: string;
  /** The driver's `ttl`, for payloads that `/encode` stores. Without it they never expire. */
  ttl?: Duration;
  /** Defaults to `127.0.0.1`. An address that others can reach needs `authTokenFile`. */
  host?: string;
  /** Defaults to 8081; 0 for any free port. */
  port?: number;
  /** Origins of the Web UIs that may read the answers. Defaults to `['http://localhost:8233']`. */
  allowedOrigins?: readonly string[];
  /** A file whose content callers must send as `Authorization: Bearer <content>`; at least 16 characters. */
  authTokenFile?: string;
  /** Gets each failure that an answer leaves out. It contains no payload. */
  onError?: (error: unknown) => void;
}

export interface ResolvedServeOptions {
  keyPrefix: string;
  driverName: string;
  ttlMs: number | undefined;
  host: string;
  port: number;
  /** Undefined if everybody who reaches the server is served. */
  token: string | undefined;
}

const DEFAULT_PORT = 8081;
const MIN_TOKEN_LENGTH = 16;

/** Reads the token. Rejects with a ValueError that names the option. */
export async function resolveServeOptions(options: ServeOptions): Promise<ResolvedServeOptions> {
  const { host = '127.0.0.1', port = DEFAULT_PORT, driverName = 'redis', authTokenFile } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new ValueError(`port must be a whole number from 0 to 65535, got ${port}`);
  }
  if (authTokenFile === undefined && !isLoopback(host)) {
    throw new ValueError(
      `Others can reach host ${host}: give authTokenFile (--auth-token-file), or serve on 127.0.0.1`,
    );
  }
  return {
    keyPrefix: resolveKeyPrefix(options.keyPrefix),
    driverName,
    ttlMs: options.ttl === undefined ? undefined : parseDuration('ttl', options.ttl),
    host,
    port,
    token: authTokenFile === undefined ? undefined : await readToken(authTokenFile),
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

async function readToken(file: string): Promise<string> {
  const token = (await readFile(file, 'utf8')).trim();
  if (token.length < MIN_TOKEN_LENGTH) {
    throw new ValueError(`authTokenFile (--auth-token-file) must hold at least ${MIN_TOKEN_LENGTH} characters`);
  }
  return token;
}
