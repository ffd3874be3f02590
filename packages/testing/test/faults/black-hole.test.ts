import type { Payload, StorageDriverClaim } from '@temporalio/common';
import { RedisStorageDriver, RedisStorageDriverError, TimeoutError } from '@temporal-redis-storage/core';
import { hold, pass } from '@temporal-redis-storage/testing';
import { randomPayload, same } from './payloads';
import { SHAPES } from './shapes';
import { useSite } from './site';

const REQUEST_TIMEOUT_MS = 400;
/** A machine that is busy may be late itself. */
const GRACE_MS = 3000;

const site = useSite();

/** The error of a call, which must reject in time. */
async function rejectionInTime(call: Promise<unknown>): Promise<RedisStorageDriverError> {
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

async function readsBack(
  driver: RedisStorageDriver,
  claims: StorageDriverClaim[],
  payloads: Payload[],
): Promise<boolean> {
  const back = await driver.retrieve({}, claims);
  return back.length === payloads.length && back.every((payload, index) => same(payload, payloads[index]!));
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
        ...claims.slice(0, 5).map((claim) => rejectionInTime(driver.retrieve({}, [claim]))),
        ...during.map((payload) => rejectionInTime(driver.store({}, [payload]))),
      ]);
      const others = [
        ...claims.slice(5).map((claim, index) => readsBack(patient, [claim], [before[index + 5]!])),
        patient.store({}, after).then((stored) => readsBack(patient, stored, after)),
      ];
      proxy[direction] = pass;

      for (const error of errors) expect(error.cause).toBeInstanceOf(TimeoutError);
      expect(await Promise.all(others)).toEqual(others.map(() => true));
      expect(await readsBack(patient, await patient.store({}, during), during)).toBe(true);
    },
  );
});
