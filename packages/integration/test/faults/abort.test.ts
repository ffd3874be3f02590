import { setTimeout as sleep } from 'node:timers/promises';
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import { after, hold, pass, type Fault } from '@temporal-redis-storage/testing';
import { encodePayload, randomPayload, isSamePayload } from './payloads';
import { SHAPES } from '../client-shapes';
import { useFaultFixture } from './fixture';

const MIB = 1024 * 1024;
/** A machine that is busy may be late itself. */
const PROMPT_MS = 3000;

const site = useFaultFixture();

const CALLS: [call: string, sizes: number[]][] = [
  ['50 MiB', [50 * MIB - 1000]],
  ['64 payloads', Array.from({ length: 64 }, () => 50_000)],
];

/** Lets a fifth of the bytes pass and holds the rest, which `begun` resolves at. */
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

/** What a call that is aborted rejects with, and how long after that, in milliseconds. */
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
    await site().admin.flushAll();
  });

  // Jest fails a test in which a rejection is left unhandled: each goes on for long enough to have seen it.
  it.each(CALLS)(
    'a store of %s that is aborted in its middle rejects promptly with the reason, and succeeds when it is made again',
    async (_, sizes) => {
      const { client, connected, proxy } = site().open(name);
      await connected;
      const driver = new RedisStorageDriver({ client, requestTimeout: '30 seconds' });
      await driver.store({}, [randomPayload(100)]);
      const payloads = sizes.map((size) => randomPayload(size));
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
        const bytes = await site().backDoor.read(claim.claimData['key']!);
        expect(encodePayload(payloads[index]!).equals(bytes!)).toBe(true);
      }
    },
  );

  it.each(CALLS)(
    'a retrieve of %s that is aborted in its middle rejects promptly with the reason, and succeeds when it is made again',
    async (_, sizes) => {
      const { client, connected, proxy } = site().open(name);
      await connected;
      const driver = new RedisStorageDriver({ client, requestTimeout: '30 seconds' });
      const payloads = sizes.map((size) => randomPayload(size));
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

  it('a store that is aborted sends none of the payloads that wait for their turn', async () => {
    const { client, connected, proxy } = site().open(name);
    await connected;
    const size = 50_000;
    const turns = 8;
    const driver = new RedisStorageDriver({ client, maxBytesInFlight: turns * (size + 100) });
    await driver.store({}, [randomPayload(100)]);
    await site().admin.flushAll();
    const controller = new AbortController();

    proxy.toServer = hold;
    const payloads = Array.from({ length: 64 }, () => randomPayload(size));
    const stored = driver.store({ abortSignal: controller.signal }, payloads).catch(() => {});
    await sleep(50);
    controller.abort();
    await stored;
    proxy.toServer = pass;
    // Commands of one connection are carried out in order: what was sent before is there.
    await driver.store({}, [randomPayload(100)]);

    expect(await site().admin.dbSize()).toBeLessThanOrEqual(turns + 1);
  });
});
