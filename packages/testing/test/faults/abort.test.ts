import { setTimeout as sleep } from 'node:timers/promises';
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import { hold, pass } from '@temporal-redis-storage/testing';
import { encoded, randomPayload } from './payloads';
import { SHAPES } from './shapes';
import { useSite } from './site';

const MIB = 1024 * 1024;
/** A machine that is busy may be late itself. */
const PROMPT_MS = 3000;

const site = useSite();

describe.each(Object.keys(SHAPES))('%s', (name) => {
  it.each([
    ['a store of 50 MiB', [50 * MIB - 1000]],
    ['a store of 64 payloads', Array.from({ length: 64 }, () => 50_000)],
  ])('%s that is aborted rejects promptly with the reason, and succeeds when it is made again', async (_, sizes) => {
    const { client, connected, proxy } = site().open(name);
    await connected;
    const driver = new RedisStorageDriver({ client, requestTimeout: '30 seconds' });
    await driver.store({}, [randomPayload(100)]);
    const payloads = sizes.map((size) => randomPayload(size));
    const controller = new AbortController();
    const reason = new Error('enough');

    proxy.toServer = hold;
    const stored = driver.store({ abortSignal: controller.signal }, payloads).catch((error: unknown) => error);
    await sleep(50);
    controller.abort(reason);
    const start = performance.now();
    const outcome = await stored;
    const took = performance.now() - start;
    proxy.toServer = pass;
    const claims = await driver.store({}, payloads);

    expect(outcome).toBe(reason);
    expect(took).toBeLessThan(PROMPT_MS);
    for (const [index, claim] of claims.entries()) {
      const bytes = await site().backDoor.read(claim.claimData['key']!);
      expect(encoded(payloads[index]!).equals(bytes!)).toBe(true);
    }
    await site().admin.flushAll();
  });

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
    await site().admin.flushAll();
  });
});
