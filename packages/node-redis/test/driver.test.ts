import { randomBytes, randomUUID } from 'node:crypto';
import { createClient } from 'redis';
import { ApplicationFailure, StorageDriverClaim, ValueError, type Payload } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { RedisStorageDriver, RedisStorageDriverError, TimeoutError } from '@temporal-redis-storage/core';
import { startRedis, type RunningRedis } from '@temporal-redis-storage/testing';
import { NodeRedisStorageDriverClient } from '../src';

const PayloadProto = temporal.api.common.v1.Payload;

/** A real Redis, the driver's connection, and another connection that inspects and changes the data. */
let server: RunningRedis;
let redis: ReturnType<typeof createClient>;
let other: ReturnType<typeof createClient>;

beforeAll(async () => {
  server = await startRedis();
  redis = createClient({ url: server.url });
  other = createClient({ url: server.url });
  await Promise.all([redis.connect(), other.connect()]);
});

afterAll(async () => {
  redis.destroy();
  other.destroy();
  await server.stop();
});

function createDriver(options = {}): RedisStorageDriver {
  return new RedisStorageDriver({
    client: new NodeRedisStorageDriverClient(redis),
    keyPrefix: `test:${randomUUID()}`,
    ...options,
  });
}

function createPayload(data: Uint8Array): Payload {
  return { metadata: { encoding: Buffer.from('binary/plain') }, data };
}

function getKey(claim: StorageDriverClaim | undefined): string {
  return claim?.claimData['key'] ?? '';
}

/** The raw value at a key. */
async function readRawValue(key: string): Promise<Buffer | null> {
  return other.withTypeMapping({ 36: Buffer }).get(key);
}

describe('RedisStorageDriver on a real Redis', () => {
  it('stores exactly the serialized payload, and reads it back byte for byte', async () => {
    const payload = createPayload(randomBytes(300_000));

    const [claim] = await createDriver().store({}, [payload]);

    expect((await readRawValue(getKey(claim)))?.equals(PayloadProto.encode(payload).finish())).toBe(true);
    const [back] = await createDriver().retrieve({}, [claim!]);
    expect(Buffer.from(back!.data!).equals(payload.data!)).toBe(true);
    expect(Buffer.from(back!.metadata!['encoding']!).toString()).toBe('binary/plain');
  });

  it('sets the TTL on the first insert, and keeps it when the payload is stored again', async () => {
    const keyPrefix = randomUUID();
    const payload = createPayload(randomBytes(10));

    const [claim] = await createDriver({ keyPrefix, ttl: '1 hour' }).store({}, [payload]);
    await createDriver({ keyPrefix, ttl: '45 days' }).store({}, [payload]);
    await createDriver({ keyPrefix }).store({}, [payload]);

    const ttl = await other.pTTL(getKey(claim));
    expect(ttl).toBeGreaterThan(3_000_000);
    expect(ttl).toBeLessThanOrEqual(3_600_000);
  });

  it('rejects an expired payload with a PayloadNotFoundError, which Temporal does not retry', async () => {
    const [claim] = await createDriver({ ttl: '1 hour' }).store({}, [createPayload(randomBytes(10))]);
    await other.pExpire(getKey(claim), 0);
    const gone = createDriver().retrieve({}, [claim!]);
    await expect(gone).rejects.toBeInstanceOf(ApplicationFailure);
    await expect(gone).rejects.toMatchObject({ type: 'PayloadNotFoundError', nonRetryable: true });
  });

  it('refuses bytes that were changed in Redis', async () => {
    const [claim] = await createDriver().store({}, [createPayload(randomBytes(100))]);
    await other.setRange(getKey(claim), 50, 'x');
    const read = createDriver().retrieve({}, [claim!]);
    await expect(read).rejects.toBeInstanceOf(ValueError);
    await expect(read).rejects.toThrow(`integrity check failed [key=${getKey(claim)}]`);
  });

  it('refuses a claim on other data of the same Redis without sending a command', async () => {
    const key = `session:${randomUUID()}`;
    await other.set(key, 'secret');
    const sent = jest.spyOn(redis, 'sendCommand');
    const forged = new StorageDriverClaim({ key, hash_algorithm: 'sha256', hash_value: '0'.repeat(64) });
    await expect(createDriver().retrieve({}, [forged])).rejects.toThrow(
      /^(?!.*secret).*not in this driver's key format/,
    );
    expect(sent).not.toHaveBeenCalled();
  });

  it("reports Redis's own message and the key if Redis refuses a write", async () => {
    await other.configSet('maxmemory', '1');
    const payload = createPayload(randomBytes(10));
    const call = createDriver().store({}, [payload]);
    await expect(call).rejects.toBeInstanceOf(RedisStorageDriverError);
    await expect(call).rejects.toMatchObject({
      message: expect.stringMatching(/^RedisStorageDriver store failed \[key=test:.*:d:sha256:.*, host=127\.0\.0\.1/),
      cause: { message: expect.stringContaining('OOM command not allowed') },
    });
    await other.configSet('maxmemory', '0');
    await expect(createDriver().store({}, [payload])).resolves.toHaveLength(1);
  });

  it('times out when Redis hangs, and ignores the late reply in the next call', async () => {
    const payloads = ['a', 'b'].map((data) => createPayload(Buffer.from(data)));
    const keyPrefix = randomUUID();
    const claims = await createDriver({ keyPrefix }).store({}, payloads);

    await other.sendCommand(['CLIENT', 'PAUSE', '3000', 'ALL']);
    const call = createDriver({ keyPrefix, requestTimeout: 100 }).retrieve({}, [claims[0]!]);
    await expect(call).rejects.toBeInstanceOf(RedisStorageDriverError);
    await expect(call).rejects.toMatchObject({ cause: expect.any(TimeoutError) as TimeoutError });

    const [back] = await createDriver({ keyPrefix }).retrieve({}, [claims[1]!]);
    expect(Buffer.from(back!.data!).toString()).toBe('b');
  });

  it('rejects an aborted call with the reason, and can make the call again', async () => {
    const keyPrefix = randomUUID();
    const payloads = Array.from({ length: 64 }, () => createPayload(randomBytes(100_000)));
    const reason = new Error('shutting down');
    const controller = new AbortController();

    await other.sendCommand(['CLIENT', 'PAUSE', '2000', 'ALL']);
    const call = createDriver({ keyPrefix }).store({ abortSignal: controller.signal }, payloads);
    setTimeout(() => controller.abort(reason), 50);
    await expect(call).rejects.toBe(reason);

    const claims = await createDriver({ keyPrefix }).store({}, payloads);
    const back = await createDriver({ keyPrefix }).retrieve({}, claims);
    expect(back.every(({ data }, i) => Buffer.from(data!).equals(payloads[i]!.data!))).toBe(true);
  });
});
