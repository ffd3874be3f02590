import { tracingChannel } from 'node:diagnostics_channel';
import { randomUUID } from 'node:crypto';
import { RedisStorageDriver, type StorageTrace } from '@temporal-redis-storage/core';
import { hold, pass } from '@temporal-redis-storage/testing';
import { useFaultFixture } from './fixture';
import { createRandomPayload, encodePayload } from './payloads';

const getFixture = useFaultFixture();

const TARGET = { kind: 'activity', namespace: 'default', type: 'charge', id: '1', runId: 'run' } as const;

describe.each(['node-redis', 'ioredis', 'Upstash, URL and token'])('the traces of a driver over %s', (name) => {
  const traces: StorageTrace[] = [];
  const keep = (trace: unknown): unknown => traces.push(trace as StorageTrace);
  const channels = ['store', 'retrieve'].map((operation) => tracingChannel(`temporal-redis-storage:${operation}`));

  beforeAll(() => channels.forEach(({ asyncEnd }) => asyncEnd.subscribe(keep)));
  afterAll(() => channels.forEach(({ asyncEnd }) => asyncEnd.unsubscribe(keep)));

  it('tell what became of each payload', async () => {
    const fixture = getFixture();
    const { backDoor } = fixture;
    const { client, connected, proxy } = fixture.open(name);
    await connected;
    const options = { client, keyPrefix: randomUUID(), ttl: '1 day', requestTimeout: '20 seconds' } as const;
    const driver = new RedisStorageDriver(options);
    const extending = new RedisStorageDriver({ ...options, driverName: 'extending', extendTtl: true });
    const payload = createRandomPayload(300_000);
    const size = encodePayload(payload).length;
    const store = (by: RedisStorageDriver, abortSignal?: AbortSignal) =>
      by.store({ target: TARGET, ...(abortSignal && { abortSignal }) }, [payload]);

    const claims = await store(driver);
    const key = claims[0]!.claimData['key']!;
    await store(driver);
    await store(extending);
    await driver.retrieve({}, claims);
    await backDoor.delete(key);
    await driver.retrieve({}, claims).catch(() => {});
    await backDoor.write(key, Buffer.from('something else'));
    await driver.retrieve({}, claims).catch(() => {});
    await store(driver).catch(() => {});
    await backDoor.delete(key);
    await backDoor.writeList(key);
    await driver.retrieve({}, claims).catch(() => {});
    proxy.toServer = hold;
    await store(driver, AbortSignal.timeout(200)).catch(() => {});
    proxy.toServer = pass;

    expect(traces.map(({ outcome }) => outcome)).toEqual([
      'inserted',
      'present',
      'extended',
      'read',
      'not_found',
      'corrupt',
      'failed',
      'failed',
      'aborted',
    ]);
    expect(traces.map(({ driverName }) => driverName)).toEqual(
      traces.map((_trace, index) => (index === 2 ? 'extending' : 'redis')),
    );
    for (const trace of traces) {
      expect(trace).toMatchObject({ key, target: TARGET });
      expect(trace.attempts).toBeGreaterThanOrEqual(1);
      expect(trace.requestMs).toBeGreaterThan(0);
      expect(trace.durationMs).toBeGreaterThanOrEqual(trace.requestMs);
      expect(trace.durationMs).toBeLessThan(60_000);
    }
    expect(traces.slice(0, 5).every((trace) => trace.size === size)).toBe(true);
    expect(traces[5]!.size).toBe('something else'.length);
    expect(traces.at(-1)!.requestMs).toBeGreaterThan(100);
    traces.splice(0);
  });
});
