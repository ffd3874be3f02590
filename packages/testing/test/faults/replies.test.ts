import { ValueError } from '@temporalio/common';
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import { after, corrupt, cut, once, pass, reset, throttle } from '@temporal-redis-storage/testing';
import { randomPayload, same } from './payloads';
import { SHAPES } from './shapes';
import { useSite } from './site';

const MIB = 1024 * 1024;

const site = useSite();

describe.each(Object.keys(SHAPES))('%s', (name) => {
  it.each([
    ['cut', cut],
    ['reset', reset],
  ])('reads the right bytes though the connection is %s inside a 5 MiB reply', async (_, fault) => {
    const { client, connected, proxy } = site().open(name);
    await connected;
    const driver = new RedisStorageDriver({ client });
    const payload = randomPayload(5 * MIB);
    const claims = await driver.store({}, [payload]);

    proxy.toClient = after(2 * MIB, once(fault));
    const first: unknown = await driver.retrieve({}, claims).then(
      ([back]) => same(back!, payload),
      (error: unknown) => error,
    );
    proxy.toClient = pass;

    expect(first).toBe(true);
    const [back] = await driver.retrieve({}, claims);
    expect(same(back!, payload)).toBe(true);
  });

  it.each([
    ['cut', cut],
    ['reset', reset],
  ])('writes the right bytes though the connection is %s inside a 5 MiB value', async (_, fault) => {
    const { client, connected, proxy } = site().open(name);
    await connected;
    const driver = new RedisStorageDriver({ client });
    const payload = randomPayload(5 * MIB);
    await driver.store({}, [randomPayload(100)]);

    proxy.toServer = after(2 * MIB, once(fault));
    const first: unknown = await driver.store({}, [payload]).catch((error: unknown) => error);
    proxy.toServer = pass;

    expect(first).toHaveLength(1);
    const [back] = await driver.retrieve({}, await driver.store({}, [payload]));
    expect(same(back!, payload)).toBe(true);
  });

  it('refuses a reply in which a bit has flipped, and goes on', async () => {
    const { client, connected, proxy } = site().open(name);
    await connected;
    const driver = new RedisStorageDriver({ client });
    const payload = randomPayload(MIB);
    const claims = await driver.store({}, [payload]);

    proxy.toClient = after(MIB / 4, once(corrupt));
    await expect(driver.retrieve({}, claims)).rejects.toThrow(ValueError);

    const [back] = await driver.retrieve({}, claims);
    expect(same(back!, payload)).toBe(true);
  });

  it('goes on reading small values by another connection while a large one arrives at 1 MB/s', async () => {
    const [slow, quick] = [site().open(name), site().open(name)];
    await Promise.all([slow.connected, quick.connected]);
    const [slowDriver, quickDriver] = [slow, quick].map(({ client }) => new RedisStorageDriver({ client }));
    const [large, small] = [randomPayload(MIB), randomPayload(100)];
    const [largeClaim, smallClaim] = await slowDriver!.store({}, [large, small]);
    await quickDriver!.retrieve({}, [smallClaim!]);

    slow.proxy.toClient = throttle(1_000_000);
    const done = new AbortController();
    const arriving = slowDriver!.retrieve({}, [largeClaim!]).finally(() => done.abort());
    let reads = 0;
    while (!done.signal.aborted) {
      const [back] = await quickDriver!.retrieve({}, [smallClaim!]);
      expect(same(back!, small)).toBe(true);
      reads++;
    }

    const [back] = await arriving;
    expect(same(back!, large)).toBe(true);
    expect(reads).toBeGreaterThan(3);
  });
});
