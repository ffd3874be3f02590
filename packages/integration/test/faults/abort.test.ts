import { setTimeout as sleep } from 'node:timers/promises';
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import { after, hold, pass, type Fault } from '@temporal-redis-storage/testing';
import { encodePayload, createRandomPayload, isSamePayload } from './payloads';
import { SHAPES } from '../client-shapes';
import { useFaultFixture } from './fixture';

const MIB = 1024 * 1024;
/** Allows for a busy machine. */
const PROMPT_MS = 10_000;

const getFixture = useFaultFixture();

const CALLS: [call: string, sizes: number[]][] = [
  ['50 MiB', [50 * MIB - 1000]],
  ['64 payloads', Array.from({ length: 64 }, () => 50_000)],
];

/** Holds the data after a fifth of the bytes. `begun` resolves at that point. */
function holdInTheMiddle(sizes: number[]): { fault: Fault; begun: Promise<void> } {
  let begin: () => void;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const fifth = sizes.reduce((sum, size) => sum + size) / 5;
  const fault = after(fifth, (bytes, link, replaced) => {
    begin();
    return hold(bytes, link, replaced);
  });
  return { fault, begun };
}

/** Aborts a call once `begun` resolves. Returns the outcome, and the milliseconds between abort and outcome. */
async function abortOnce(
  begun: Promise<void>,
  reason: Error,
  call: (abortSignal: AbortSignal) => Promise<unknown>,
): Promise<{ outcome: unknown; tookMs: number }> {
  const controller = new AbortController();
  const settled = call(controller.signal).catch((error: unknown) => error);
  await begun;
  controller.abort(reason);
  const start = performance.now();
  const outcome = await settled;
  return { outcome, tookMs: performance.now() - start };
}

describe.each(Object.keys(SHAPES))('%s', (name) => {
  afterEach(async () => {
    await getFixture().admin.flushAll();
  });

  // Jest fails a test with an unhandled rejection. The calls after each abort give one the time to surface.
  it.each(CALLS)(
    'a store of %s rejects promptly with the reason when it is aborted midway, and a second one succeeds',
    async (_, sizes) => {
      const { client, connected, proxy } = getFixture().open(name);
      await connected;
      const driver = new RedisStorageDriver({ client, requestTimeout: '30 seconds' });
      await driver.store({}, [createRandomPayload(100)]);
      const payloads = sizes.map((size) => createRandomPayload(size));
      const reason = new Error('enough');

      const { fault, begun } = holdInTheMiddle(sizes);
      proxy.toServer = fault;
      const { outcome, tookMs } = await abortOnce(begun, reason, (abortSignal) =>
        driver.store({ abortSignal }, payloads),
      );
      proxy.toServer = pass;
      const claims = await driver.store({}, payloads);

      expect(outcome).toBe(reason);
      expect(tookMs).toBeLessThan(PROMPT_MS);
      for (const [index, claim] of claims.entries()) {
        const bytes = await getFixture().backDoor.read(claim.claimData['key']!);
        expect(encodePayload(payloads[index]!).equals(bytes!)).toBe(true);
      }
    },
  );

  it.each(CALLS)(
    'a retrieve of %s rejects promptly with the reason when it is aborted midway, and a second one succeeds',
    async (_, sizes) => {
      const { client, connected, proxy } = getFixture().open(name);
      await connected;
      const driver = new RedisStorageDriver({ client, requestTimeout: '30 seconds' });
      const payloads = sizes.map((size) => createRandomPayload(size));
      const claims = await driver.store({}, payloads);
      const reason = new Error('enough');

      const { fault, begun } = holdInTheMiddle(sizes);
      proxy.toClient = fault;
      const { outcome, tookMs } = await abortOnce(begun, reason, (abortSignal) =>
        driver.retrieve({ abortSignal }, claims),
      );
      proxy.toClient = pass;
      const back = await driver.retrieve({}, claims);

      expect(outcome).toBe(reason);
      expect(tookMs).toBeLessThan(PROMPT_MS);
      expect(back.map((payload, index) => isSamePayload(payload, payloads[index]!))).toEqual(payloads.map(() => true));
    },
  );

  it('an aborted store does not send the payloads that are still queued', async () => {
    const { client, connected, proxy } = getFixture().open(name);
    await connected;
    const size = 50_000;
    const maxInFlight = 8;
    const driver = new RedisStorageDriver({ client, maxBytesInFlight: maxInFlight * (size + 100) });
    await driver.store({}, [createRandomPayload(100)]);
    await getFixture().admin.flushAll();
    const controller = new AbortController();

    proxy.toServer = hold;
    const payloads = Array.from({ length: 64 }, () => createRandomPayload(size));
    const stored = driver.store({ abortSignal: controller.signal }, payloads).catch(() => {});
    await sleep(50);
    controller.abort();
    await stored;
    proxy.toServer = pass;
    // One connection runs commands in order, so everything sent before this store is in Redis now.
    await driver.store({}, [createRandomPayload(100)]);

    expect(await getFixture().admin.dbSize()).toBeLessThanOrEqual(maxInFlight + 1);
  });
});
