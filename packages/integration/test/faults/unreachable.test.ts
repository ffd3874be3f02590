import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { createServer as createTlsServer, type Server } from 'node:tls';
import { RedisStorageDriver, RedisStorageDriverError } from '@temporal-redis-storage/core';
import { findFreePort } from '../../../testing/src/servers/port';
import { waitUntil } from '../../../testing/src/wait-until';
import { createClaim, createRandomPayload } from './payloads';
import { SHAPES, type Endpoints, type OpenClient } from '../client-shapes';

const REQUEST_TIMEOUT_MS = 400;
/** A machine that is busy may be late itself. */
const GRACE_MS = 20_000;
const LIMIT_MS = REQUEST_TIMEOUT_MS + GRACE_MS;

/** A TLS server without a certificate, which rejects every handshake. */
let rejectingServer: Server;
let rejections = 0;
beforeAll(async () => {
  rejectingServer = createTlsServer();
  rejectingServer.on('tlsClientError', () => rejections++);
  rejectingServer.listen(0, '127.0.0.1');
  await once(rejectingServer, 'listening');
});
afterAll(async () => {
  rejectingServer.close();
  await once(rejectingServer, 'close');
});

let opened: OpenClient | undefined;
afterEach(() => {
  opened?.close();
});

/** Runs a store and a retrieve, and returns the milliseconds until both have rejected. */
async function measureRejectionTime(name: string, endpoints: Endpoints): Promise<number> {
  opened = SHAPES[name]!(endpoints);
  const driver = new RedisStorageDriver({ client: opened.client, requestTimeout: REQUEST_TIMEOUT_MS });
  const claim = await createClaim(createRandomPayload(100));
  const start = performance.now();
  await Promise.all([
    expect(driver.store({}, [createRandomPayload(100)])).rejects.toThrow(RedisStorageDriverError),
    expect(driver.retrieve({}, [claim])).rejects.toThrow(RedisStorageDriverError),
  ]);
  return performance.now() - start;
}

describe.each(Object.keys(SHAPES))('%s', (name) => {
  it('rejects in time when the host has no address', async () => {
    const host = 'redis.invalid';
    const tookMs = await measureRejectionTime(name, {
      host,
      port: 6379,
      upstash: { url: `https://${host}`, token: 'token' },
    });

    expect(tookMs).toBeLessThan(LIMIT_MS);
  });

  it('rejects in time when no server is running', async () => {
    const port = await findFreePort();
    const upstash = { url: `http://127.0.0.1:${port}`, token: 'token' };
    const tookMs = await measureRejectionTime(name, { host: '127.0.0.1', port, upstash });

    expect(tookMs).toBeLessThan(LIMIT_MS);
  });

  it('rejects in time when the server rejects the TLS handshake', async () => {
    const { port } = rejectingServer.address() as AddressInfo;
    const upstash = { url: `https://127.0.0.1:${port}`, token: 'token' };
    const before = rejections;

    const tookMs = await measureRejectionTime(name, { host: '127.0.0.1', port, tls: true, upstash });

    expect(tookMs).toBeLessThan(LIMIT_MS);
    // A cluster client may reject before its handshake has failed.
    await expect(
      waitUntil('the server has rejected the handshake', [before], async (count) => rejections > count),
    ).resolves.toBeUndefined();
  });
});
