import { randomBytes, randomUUID } from 'node:crypto';
import type { Payload } from '@temporalio/common';
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import { PREVIOUS_MAJOR_SHAPES, SHAPES } from '../client-shapes';
import { useFaultFixture } from './fixture';

jest.setTimeout(180_000);

const MIB = 1024 * 1024;
const TCP_SHAPES = Object.keys({ ...SHAPES, ...PREVIOUS_MAJOR_SHAPES }).filter((name) => !name.startsWith('Upstash'));

/** Redis's limits, at which it closes a connection, and their defaults. */
const DEFAULTS = {
  'client-output-buffer-limit': 'normal 0 0 0',
  'client-query-buffer-limit': '1gb',
  'proto-max-bulk-len': '512mb',
  'maxmemory-clients': '0',
};

const fixture = useFaultFixture();
let driver: RedisStorageDriver;

const setLimits = (limits: Partial<typeof DEFAULTS>): Promise<unknown> => fixture().admin.configSet(limits);

afterEach(() => setLimits(DEFAULTS));

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
const CONNECTION_LOST =
  /Socket closed unexpectedly|The connection was lost before Redis answered|Connection is closed|ECONNRESET|EPIPE/;

describe.each(TCP_SHAPES)('%s recovers after Redis has hung up each time on', (name) => {
  beforeEach(async () => {
    const { client, connected } = fixture().open(name);
    await connected;
    driver = new RedisStorageDriver({ client, keyPrefix: randomUUID(), requestTimeout: '15 seconds' });
  });

  it('a read above client-output-buffer-limit', async () => {
    const [large] = await driver.store({}, [createPayload(8 * MIB)]);
    const [small] = await driver.store({}, [createPayload(300_000)]);
    await setLimits({ 'client-output-buffer-limit': 'normal 1mb 0 0' });

    expect(await getCause(driver.retrieve({}, [large!]))).toMatch(CONNECTION_LOST);
    await expect(driver.retrieve({}, [small!])).resolves.toHaveLength(1);
    await setLimits(DEFAULTS);
    await expect(driver.retrieve({}, [large!])).resolves.toHaveLength(1);
  });

  it('a write above client-query-buffer-limit', async () => {
    await setLimits({ 'client-query-buffer-limit': '1mb' });
    expect(await getCause(driver.store({}, [createPayload(3 * MIB)]))).toMatch(CONNECTION_LOST);
    await expect(driver.store({}, [createPayload(300_000)])).resolves.toHaveLength(1);
  });

  it('a write above proto-max-bulk-len, with the message of Redis', async () => {
    await setLimits({ 'proto-max-bulk-len': '1mb' });
    const cause = await getCause(driver.store({}, [createPayload(3 * MIB)]));
    expect(cause).toMatch(new RegExp(`invalid bulk length|${CONNECTION_LOST.source}`));
    await expect(driver.store({}, [createPayload(300_000)])).resolves.toHaveLength(1);
  });

  it('a read and a write above maxmemory-clients', async () => {
    const [large] = await driver.store({}, [createPayload(8 * MIB)]);
    const [small] = await driver.store({}, [createPayload(300_000)]);
    await setLimits({ 'maxmemory-clients': '4mb' });

    expect(await getCause(driver.retrieve({}, [large!]))).toMatch(CONNECTION_LOST);
    await expect(driver.retrieve({}, [small!])).resolves.toHaveLength(1);
    expect(await getCause(driver.store({}, [createPayload(8 * MIB)]))).toMatch(CONNECTION_LOST);
    await expect(driver.store({}, [createPayload(300_000)])).resolves.toHaveLength(1);
  });
});
