import { setTimeout as sleep } from 'node:timers/promises';
import type { Payload, StorageDriverClaim } from '@temporalio/common';
import { RedisStorageDriver, RedisStorageDriverError, TimeoutError } from '@temporal-redis-storage/core';
import { hold, pass, swallow, type Fault, type FaultyLink } from '@temporal-redis-storage/testing';
import { createRandomPayload, isSamePayload } from './payloads';
import { SHAPES } from '../client-shapes';
import { useFaultFixture } from './fixture';

const REQUEST_TIMEOUT_MS = 400;
/** Allows for a busy machine. */
const GRACE_MS = 20_000;
const SOCKET_TIMEOUT_MS = 500;
const RECOVERED_AFTER_MS = 20_000;

const getFixture = useFaultFixture();

/** Expects a call to reject in time, and returns its error. */
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

/** Drops all data of the given links, and passes the data of later ones. */
function swallowLinks(links: ReadonlySet<FaultyLink>): Fault {
  const dead = new Set(links);
  return (bytes, link, replaced) => (dead.has(link) ? swallow : pass)(bytes, link, replaced);
}

describe.each(Object.keys(SHAPES))('%s', (name) => {
  it.each(['toServer', 'toClient'] as const)(
    'times out while the proxy holds all data %s, and no late reply reaches another call',
    async (direction) => {
      const { client, connected, proxy } = getFixture().open(name);
      await connected;
      const driver = new RedisStorageDriver({ client, requestTimeout: REQUEST_TIMEOUT_MS });
      const patient = new RedisStorageDriver({ client, requestTimeout: '30 seconds' });
      const payloads = Array.from({ length: 20 }, (_, index) => createRandomPayload(index * 1000));
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

  it('recovers with a new connection after the old one stops responding for good', async () => {
    const { client, connected, proxy } = getFixture().open(name, { socketTimeout: SOCKET_TIMEOUT_MS });
    await connected;
    // Upstash clients have no socket timeout: only the request timeout ends a request and its connection.
    const isHttp = name.startsWith('Upstash');
    const driver = new RedisStorageDriver({ client, requestTimeout: isHttp ? REQUEST_TIMEOUT_MS : RECOVERED_AFTER_MS });
    const [before, during] = [createRandomPayload(1000), createRandomPayload(1000)];
    const claims = await driver.store({}, [before]);
    // After this pause, fetch reuses the connection.
    await sleep(50);

    proxy.toServer = swallowLinks(proxy.links);
    proxy.toClient = swallowLinks(proxy.links);
    const first = await Promise.allSettled([expectReadBack(driver, claims, [before]), driver.store({}, [during])]);

    expect(first.some(({ status }) => status === 'rejected')).toBe(isHttp);
    expect(await expectReadBack(driver, claims, [before])).toBe(true);
    expect(await expectReadBack(driver, await driver.store({}, [during]), [during])).toBe(true);
  });
});
