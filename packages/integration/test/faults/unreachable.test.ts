import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { createServer as createTlsServer, type Server } from 'node:tls';
import { RedisStorageDriver, RedisStorageDriverError } from '@temporal-redis-storage/core';
import { findFreePort } from '../../../testing/src/servers/port';
import { waitUntil } from '../../../testing/src/wait-until';
import { createClaim, randomPayload } from './payloads';
import { SHAPES, type Endpoints, type OpenClient } from '../client-shapes';

const REQUEST_TIMEOUT_MS = 400;
/** A machine that is busy may be late itself. */
const GRACE_MS = 20_000;
const LIMIT_MS = REQUEST_TIMEOUT_MS + GRACE_MS;

/** Without a certificate it has no cipher in common with any client. */
let refusing: Server;
let refusals = 0;
beforeAll(async () => {
  refusing = createTlsServer();
  refusing.on('tlsClientError', () => refusals++);
  refusing.listen(0, '127.0.0.1');
  await once(refusing, 'listening');
});
afterAll(async () => {
  refusing.close();
  await once(refusing, 'close');
});

let opened: OpenClient | undefined;
afterEach(() => {
  opened?.close();
});

/** How long a store and a retrieve took to reject, in milliseconds, the longer of both. */
async function measureRejectionTime(name: string, endpoints: Endpoints): Promise<number> {
  opened = SHAPES[name]!(endpoints);
  const driver = new RedisStorageDriver({ client: opened.client, requestTimeout: REQUEST_TIMEOUT_MS });
  const claim = await createClaim(randomPayload(100));
  const start = performance.now();
  await Promise.all([
    expect(driver.store({}, [randomPayload(100)])).rejects.toThrow(RedisStorageDriverError),
    expect(driver.retrieve({}, [claim])).rejects.toThrow(RedisStorageDriverError),
  ]);
  return performance.now() - start;
}

describe.each(Object.keys(SHAPES))('%s rejects in time', (name) => {
  it('when the host has no address', async () => {
    const host = 'redis.invalid';
    const tookMs = await measureRejectionTime(name, {
      host,
      port: 6379,
      upstash: { url: `https://${host}`, token: 'token' },
    });

    expect(tookMs).toBeLessThan(LIMIT_MS);
  });

  it('when the server is gone', async () => {
    const port = await findFreePort();
    const upstash = { url: `http://127.0.0.1:${port}`, token: 'token' };
    const tookMs = await measureRejectionTime(name, { host: '127.0.0.1', port, upstash });

    expect(tookMs).toBeLessThan(LIMIT_MS);
  });

  it('when the server refuses the TLS handshake', async () => {
    const { port } = refusing.address() as AddressInfo;
    const upstash = { url: `https://127.0.0.1:${port}`, token: 'token' };
    const before = refusals;

    const tookMs = await measureRejectionTime(name, { host: '127.0.0.1', port, tls: true, upstash });

    expect(tookMs).toBeLessThan(LIMIT_MS);
    // A cluster's client fails at once, and only then has the handshake behind it.
    await expect(
      waitUntil('the handshake is refused', [before], async (count) => refusals > count),
    ).resolves.toBeUndefined();
  });
});
