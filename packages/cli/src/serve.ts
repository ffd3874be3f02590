import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createPayloadHandler, toNodeListener, type PayloadHandler } from '@temporal-redis-storage/codec-server';
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import { NodeRedisStorageDriverClient } from '@temporal-redis-storage/node-redis';
import { ExternalStorage } from '@temporalio/common';
import { connectRedis, type RedisConnection } from './redis-connection';
import { hasToken, isOwnReference } from './serve/authorization';
import { resolveServeOptions, type ResolvedServeOptions, type ServeOptions } from './serve/options';
import { withTimeout } from './timeout';

/**
 * A codec server that is running.
 *
 * @experimental
 */
export interface PayloadServer {
  /** For the Web UI's setting, and for `temporal --codec-endpoint`. */
  url: string;
  /** Stops to accept requests, lets those that are running end within 10 seconds, and closes the connection to Redis. */
  close(): Promise<void>;
}

const HEALTH_TIMEOUT_MS = 2000;
const CLOSE_TIMEOUT_MS = 10_000;

/**
 * Serves the payloads of this Redis to Temporal's Web UI and CLI: `/decode`, `/encode` and `/download`, and `GET /healthz`.
 * Rejects if Redis can't be reached or the port is taken. It undoes no codecs: where payloads are encrypted, put
 * `createPayloadHandler` of `@temporal-redis-storage/codec-server` into a server of yours.
 *
 * @experimental
 */
export async function servePayloads(options: ServeOptions = {}): Promise<PayloadServer> {
  const resolved = await resolveServeOptions(options);
  const redis = await connectRedis(options, { keepReconnecting: true });
  try {
    const listener = toNodeListener(createHandler(redis, resolved, options));
    const server = createServer((request, response) => {
      if (request.url === '/healthz') void answerHealth(redis, request, response);
      else listener(request, response);
    });
    server.listen(resolved.port, resolved.host);
    await once(server, 'listening');
    return { url: formatUrl(server), close: async () => close(server, redis) };
  } catch (error) {
    redis.close();
    throw error;
  }
}

function createHandler(
  redis: RedisConnection,
  { keyPrefix, driverName, ttlMs, token }: ResolvedServeOptions,
  { allowedOrigins, onError }: ServeOptions,
): PayloadHandler {
  const client = new NodeRedisStorageDriverClient(redis.client);
  const driver = new RedisStorageDriver({ client, keyPrefix, driverName, ...(ttlMs !== undefined && { ttl: ttlMs }) });
  return createPayloadHandler({
    dataConverter: { externalStorage: new ExternalStorage({ drivers: [driver] }) },
    ...(allowedOrigins !== undefined && { allowedOrigins }),
    ...(token !== undefined && { authorize: (request) => hasToken(request, token) }),
    authorizeReference: (reference) => isOwnReference(reference, keyPrefix),
    ...(onError !== undefined && { onError: (error) => onError(error) }),
  });
}

async function answerHealth(redis: RedisConnection, request: IncomingMessage, response: ServerResponse): Promise<void> {
  request.resume();
  const isHealthy = await isReachable(redis);
  response.writeHead(isHealthy ? 200 : 503, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  response.end(JSON.stringify({ redis: isHealthy ? 'reachable' : 'unreachable' }));
}

async function isReachable(redis: RedisConnection): Promise<boolean> {
  try {
    const [node] = await redis.listPrimaries();
    if (node === undefined) return false;
    await withTimeout(node.sendCommand(['PING']), HEALTH_TIMEOUT_MS, 'Redis did not reply');
    return true;
  } catch (error) {
    // A user may lack the permission to send this command; a Redis that can't save refuses it, and serves reads.
    return /^(?:NOPERM|MISCONF) /.test((error as Error).message);
  }
}

async function close(server: Server, redis: RedisConnection): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), CLOSE_TIMEOUT_MS);
  await closed;
  clearTimeout(timer);
  redis.close();
}

function formatUrl(server: Server): string {
  const { address, port, family } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
