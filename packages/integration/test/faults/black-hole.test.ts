import { setTimeout as sleep } from 'node:timers/promises';
import type { Payload, StorageDriverClaim } from '@temporalio/common';
import { RedisStorageDriver, RedisStorageDriverError, TimeoutError } from '@temporal-redis-storage/core';
import { hold, pass, swallow, type Fault, type FaultyLink } from '@temporal-redis-storage/testing';
import { randomPayload, isSamePayload } from './payloads';
import { SHAPES } from '../client-shapes';
import { useFaultFixture } from './fixture';

const REQUEST_TIMEOUT_MS = 400;
/** A machine that is busy may be late itself. */
const GRACE_MS = 3000;
const SOCKET_TIMEOUT_MS = 500;
const RECOVERED_AFTER_MS = 20_000;

const site = useFaultFixture();

/** The error of a call, which must reject in time. */
async function expectRejectionInTime(call: Promise<unknown>): Promise<RedisStorageDriverError> {
  const start = performance.now();
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  const over = performance.now() - start - REQUEST_TIMEOUT_MS;
  expect(error).toBeInstanceOf(RedisStorageDriverError);
  expect(over).toBeLessThan(GRACE_MS);
  return error as RedisStorageDriverError;
}

async function expectReadBack(
  driver: RedisStorageDriver,
  claims: StorageDriverClaim[],
  payloads: Payload[],
): Promise<boolean> {
  const back = await driver.retrieve({}, claims);
  return back.length === payloads.length && back.every((payload, index) => isSamePayload(payload, payloads[index]!));
}

/** The connections that are open by now get nothing through any more, those to come everything. */
function swallowOn(links: ReadonlySet<FaultyLink>): Fault {
  const dead = new Set(links);
  return (bytes, link, replaced) => (dead.has(link) ? swallow : pass)(bytes, link, replaced);
}

describe.each(Object.keys(SHAPES))('%s', (name) => {
  it.each(['toServer', 'toClient'] as const)(
    'gives up in time while nothing gets %s, and no late answer reaches another call',
    async (direction) => {
      const { client, connected, proxy } = site().open(name);
      await connected;
      const driver = new RedisStorageDriver({ client, requestTimeout: REQUEST_TIMEOUT_MS });
      const patient = new RedisStorageDriver({ client, requestTimeout: '30 seconds' });
      const payloads = Array.from({ length: 20 }, (_, index) => randomPayload(index * 1000));
      const [before, during, after] = [payloads.slice(0, 10), payloads.slice(10, 15), payloads.slice(15)];
      const claims = await patient.store({}, before);

      proxy[direction] = hold;
      const errors = await Promise.all([
        ...claims.slice(0, 5).map((claim) => expectRejectionInTime(driver.retrieve({}, [claim]))),
        ...during.map((payload) => expectRejectionInTime(driver.store({}, [payload]))),
      ]);
      const others = [
        ...claims.slice(5).map((claim, index) => expectReadBack(patient, [claim], [before[index + 5]!])),
        patient.store({}, after).then((stored) => expectReadBack(patient, stored, after)),
      ];
      proxy[direction] = pass;

      for (const error of errors) expect(error.cause).toBeInstanceOf(TimeoutError);
      expect(await Promise.all(others)).toEqual(others.map(() => true));
      expect(await expectReadBack(patient, await patient.store({}, during), during)).toBe(true);
    },
  );

  it('goes on by a new connection after the one that it had is dead for good', async () => {
    const { client, connected, proxy } = site().open(name, { socketTimeout: SOCKET_TIMEOUT_MS });
    await connected;
    // HTTP has no such setting: the deadline alone ends a request to Upstash, and its connection.
    const isHttp = name.startsWith('Upstash');
    const driver = new RedisStorageDriver({ client, requestTimeout: isHttp ? REQUEST_TIMEOUT_MS : RECOVERED_AFTER_MS });
    const [before, during] = [randomPayload(1000), randomPayload(1000)];
    const claims = await driver.store({}, [before]);
    // Only then does fetch use the connection again.
    await sleep(50);

    proxy.toServer = swallowOn(proxy.links);
    proxy.toClient = swallowOn(proxy.links);
    const first = await Promise.allSettled([expectReadBack(driver, claims, [before]), driver.store({}, [during])]);

    expect(first.some(({ status }) => status === 'rejected')).toBe(isHttp);
    expect(await expectReadBack(driver, claims, [before])).toBe(true);
    expect(await expectReadBack(driver, await driver.store({}, [during]), [during])).toBe(true);
  });
});
