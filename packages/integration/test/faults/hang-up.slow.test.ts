import { randomBytes, randomUUID } from 'node:crypto';
import type { Payload } from '@temporalio/common';
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import { startRedis, type RunningRedis } from '@temporal-redis-storage/testing';
import { createClient } from 'redis';
import { SINGLE_SHAPES, type OpenClient } from '../client-shapes';

jest.setTimeout(180_000);

const MIB = 1024 * 1024;
const TCP_SHAPES = Object.keys(SINGLE_SHAPES).filter((name) => !name.startsWith('Upstash'));

let redis: RunningRedis;
let admin: ReturnType<typeof createClient>;
let opened: OpenClient;
let driver: RedisStorageDriver;

beforeAll(async () => {
  redis = await startRedis();
  admin = createClient({ url: redis.url });
  await admin.connect();
});

afterAll(async () => {
  admin?.destroy();
  await redis?.stop();
});

afterEach(async () => {
  await admin.configSet({
    'client-output-buffer-limit': 'normal 0 0 0',
    'client-query-buffer-limit': '1gb',
    'proto-max-bulk-len': '512mb',
    'maxmemory-clients': '0',
  });
  opened.close();
});

async function open(name: string): Promise<void> {
  const { host, port } = redis;
  opened = SINGLE_SHAPES[name]!({ host, port, upstash: { url: 'http://localhost', token: 'none' } });
  await opened.connected;
  driver = new RedisStorageDriver({ client: opened.client, keyPrefix: randomUUID(), requestTimeout: '15 seconds' });
}

const createPayload = (size: number): Payload => ({ metadata: {}, data: randomBytes(size) });

async function getCause(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => new Error('The call succeeded'),
    (reason: Error) => reason,
  );
  expect(error.name).toBe('RedisStorageDriverError');
  return (error.cause as Error).message;
}

/** Messages of a library, or of Redis, that closed a connection. */
const CONNECTION_LOST = /Socket closed unexpectedly|The connection was lost before Redis answered|ECONNRESET|EPIPE/;

describe.each(TCP_SHAPES)('%s recovers after Redis has hung up each time on', (name) => {
  beforeEach(() => open(name));

  it('a read above client-output-buffer-limit', async () => {
    const [large] = await driver.store({}, [createPayload(8 * MIB)]);
    const [small] = await driver.store({}, [createPayload(300_000)]);
    await admin.configSet('client-output-buffer-limit', 'normal 1mb 0 0');

    expect(await getCause(driver.retrieve({}, [large!]))).toMatch(CONNECTION_LOST);
    await expect(driver.retrieve({}, [small!])).resolves.toHaveLength(1);
    await admin.configSet('client-output-buffer-limit', 'normal 0 0 0');
    await expect(driver.retrieve({}, [large!])).resolves.toHaveLength(1);
  });

  it('a write above client-query-buffer-limit', async () => {
    await admin.configSet('client-query-buffer-limit', '1mb');
    expect(await getCause(driver.store({}, [createPayload(3 * MIB)]))).toMatch(CONNECTION_LOST);
    await expect(driver.store({}, [createPayload(300_000)])).resolves.toHaveLength(1);
  });

  it('a write above proto-max-bulk-len, with the message of Redis', async () => {
    await admin.configSet('proto-max-bulk-len', '1mb');
    const cause = await getCause(driver.store({}, [createPayload(3 * MIB)]));
    expect(cause).toMatch(new RegExp(`invalid bulk length|${CONNECTION_LOST.source}`));
    await expect(driver.store({}, [createPayload(300_000)])).resolves.toHaveLength(1);
  });
});
