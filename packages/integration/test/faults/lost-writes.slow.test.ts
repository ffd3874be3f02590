import { ApplicationFailure, type Payload, type StorageDriverClaim } from '@temporalio/common';
import { RedisStorageDriver, RedisStorageDriverError } from '@temporal-redis-storage/core';
import { hold, startFaultProxy, startRedis, startUpstash } from '@temporal-redis-storage/testing';
import { connectAll, disconnectAll } from '../../../testing/src/servers/redis-connection';
import type { RedisAddress } from '../../../testing/src/servers/redis';
import { waitUntil } from '../../../testing/src/wait-until';
import { cleanUpAfterEach } from '@temporal-redis-storage/testing';
import { createRandomPayload, isSamePayload } from './payloads';
import { SINGLE_SHAPES } from '../client-shapes';

const COUNT = 20;

const { keep, cleanUp } = cleanUpAfterEach();

/** Starts a primary, and a replica that copies it through a proxy. */
async function startPair() {
  const primary = keep(await startRedis());
  const link = keep(await startFaultProxy(primary));
  const replica = keep(await startRedis({ args: ['--replicaof', `${link.host} ${link.port}`] }));
  const [admin] = await connectAll([replica]);
  cleanUp(() => disconnectAll([admin!]));
  await waitUntil('the replica copies', [admin!], async (each) =>
    (await each.info('replication')).includes('master_link_status:up'),
  );
  return { primary, replica, link, admin: admin! };
}

async function createDriver(name: string, { host, port }: RedisAddress): Promise<RedisStorageDriver> {
  const upstash = keep(await startUpstash({ redis: { host, port } }));
  const opened = SINGLE_SHAPES[name]!({ host, port, upstash });
  cleanUp(() => opened.close());
  await opened.connected;
  return new RedisStorageDriver({ client: opened.client, requestTimeout: 3000 });
}

/** Reads each claim. Resolves to 'read', an error type, or 'WRONG BYTES', which must never happen. */
async function collectOutcomes(driver: RedisStorageDriver, claims: StorageDriverClaim[], payloads: Payload[]) {
  return Promise.all(
    claims.map(async (claim, index) =>
      driver.retrieve({}, [claim]).then(
        ([back]) => (isSamePayload(back!, payloads[index]!) ? 'read' : 'WRONG BYTES'),
        (error: unknown) => {
          if (error instanceof ApplicationFailure) return error.nonRetryable ? error.type : 'retryable';
          return error instanceof RedisStorageDriverError ? 'retryable' : error;
        },
      ),
    ),
  );
}

// The topology tests cover sentinels and clusters.
describe.each(Object.keys(SINGLE_SHAPES))('%s', (name) => {
  it('reports payloads that a stalled replica lacks as retryable, and payloads lost in a failover as not found', async () => {
    const { primary, replica, link, admin } = await startPair();
    const writer = await createDriver(name, primary);
    const [copied, lost] = [1, 2].map(() => Array.from({ length: COUNT }, () => createRandomPayload(10_000)));
    const copiedClaims = await writer.store({}, copied!);
    await waitUntil('all is copied', [admin], async (each) => (await each.dbSize()) === COUNT);
    link.toClient = hold;
    const lostClaims = await writer.store({}, lost!);
    const reader = await createDriver(name, replica);

    // The replica lacks the payloads, but must not report them as missing.
    expect(await admin.dbSize()).toBe(COUNT);
    expect(await collectOutcomes(reader, lostClaims, lost!)).toEqual(lost!.map(() => 'retryable'));
    expect(await collectOutcomes(reader, copiedClaims, copied!)).toEqual(copied!.map(() => 'read'));

    const refusal: unknown = await reader.store({}, [createRandomPayload(100)]).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(RedisStorageDriverError);
    expect(String((refusal as Error).cause)).toContain("READONLY You can't write against a read only replica");

    process.kill(primary.pid, 'SIGKILL');
    await admin.sendCommand(['REPLICAOF', 'NO', 'ONE']);
    const afterwards = await createDriver(name, replica);

    expect(await collectOutcomes(afterwards, lostClaims, lost!)).toEqual(lost!.map(() => 'PayloadNotFoundError'));
    expect(await collectOutcomes(afterwards, copiedClaims, copied!)).toEqual(copied!.map(() => 'read'));
    const again = await afterwards.store({}, lost!);
    expect(await collectOutcomes(afterwards, again, lost!)).toEqual(lost!.map(() => 'read'));
  });
});
