import { randomBytes, randomUUID } from 'node:crypto';
import { RedisStorageDriver, RedisStorageDriverError } from '@temporal-redis-storage/core';
import { openBackDoor, startRedis, type BackDoor, type RunningRedis } from '@temporal-redis-storage/testing';
import { findFreePort, retryTakenPort } from '../../../testing/src/servers/port';
import { createCertificates, type Certificates } from './certificates';
import { SERVER_CLIENTS, type OpenClient } from '../client-shapes';
import { encodePayload } from './traffic';

let certificates: Certificates;
let redis: RunningRedis;
let tlsPort: number;
let backDoor: BackDoor;
let open: OpenClient | undefined;

beforeAll(async () => {
  certificates = await createCertificates();
  const { certFile, keyFile } = certificates;
  redis = await retryTakenPort(async () => {
    tlsPort = await findFreePort();
    const tls = ['--tls-port', String(tlsPort), '--tls-cert-file', certFile, '--tls-key-file', keyFile];
    return startRedis({ args: [...tls, '--tls-auth-clients', 'no'] });
  });
  backDoor = await openBackDoor(redis.url);
});

afterEach(async () => {
  await open?.close();
});

afterAll(async () => {
  await backDoor?.close();
  await redis?.stop();
  await certificates?.remove();
});

describe.each(Object.keys(SERVER_CLIENTS))('%s over TLS', (name) => {
  async function openDriver(ca: Buffer | null): Promise<RedisStorageDriver> {
    open = await SERVER_CLIENTS[name]!({ host: redis.host, port: tlsPort }, { ca });
    return new RedisStorageDriver({ client: open.client, keyPrefix: `test:${randomUUID()}` });
  }

  it('stores and retrieves with a custom certificate authority', async () => {
    const driver = await openDriver(certificates.ca);
    const payload = { data: randomBytes(300_000) };

    const [claim] = await driver.store({}, [payload]);

    expect(encodePayload(payload).equals((await backDoor.read(claim!.claimData['key']!))!)).toBe(true);
    const [back] = await driver.retrieve({}, [claim!]);
    expect(encodePayload(back!).equals(encodePayload(payload))).toBe(true);
  });

  it('rejects a server with an unknown certificate authority and reports the reason', async () => {
    const driver = await openDriver(null);

    const call = driver.store({}, [{ data: randomBytes(10) }]);

    await expect(call).rejects.toBeInstanceOf(RedisStorageDriverError);
    await expect(call).rejects.toThrow(/\[key=test:.*:d:sha256:[0-9a-f]{64}, host=127\.0\.0\.1, port=\d+\]/);
    expect(open!.errors).toContainEqual(
      expect.objectContaining({ message: expect.stringContaining('certificate') as string }),
    );
  });
});
