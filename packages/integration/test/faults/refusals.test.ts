import { randomUUID } from 'node:crypto';
import { mkdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RedisStorageDriver, RedisStorageDriverError } from '@temporal-redis-storage/core';
import { waitUntil } from '../../../testing/src/wait-until';
import { createRandomPayload, isSamePayload } from './payloads';
import { SHAPES } from '../client-shapes';
import { useFaultFixture } from './fixture';

/** The cluster stops serving all slots when this one is missing. */
const SLOT = 0;
const DEFAULT_USER = 'default';

const getFixture = useFaultFixture();

beforeAll(async () => {
  // After a slot is served again, a node waits for this timeout before it reports the cluster as ok.
  await getFixture().admin.configSet('cluster-node-timeout', '500');
});

/** A Redis error, and the functions that cause it and end it. */
interface ServerError {
  errorText: string;
  begin: () => Promise<unknown>;
  end: () => Promise<unknown>;
}

async function findSnapshotFile(): Promise<string> {
  const { dir, dbfilename } = await getFixture().admin.configGet(['dir', 'dbfilename']);
  return join(dir!, dbfilename!);
}

async function readLastSaveStatus(): Promise<string> {
  return /rdb_last_bgsave_status:(\w+)/.exec(await getFixture().admin.info('persistence'))![1]!;
}

async function saveSnapshot(): Promise<void> {
  await getFixture().admin.bgSave();
  await waitUntil('the snapshot is done', [getFixture().admin], async (redis) =>
    (await redis.info('persistence')).includes('rdb_bgsave_in_progress:0'),
  );
}

const CLUSTERDOWN: ServerError = {
  errorText: 'CLUSTERDOWN',
  begin: async () => getFixture().admin.clusterDelSlots(SLOT),
  async end() {
    await getFixture().admin.clusterAddSlots(SLOT);
    await waitUntil('the slots are served', [getFixture().admin], async (redis) =>
      (await redis.clusterInfo()).includes('cluster_state:ok'),
    );
  },
};

const STORE_ERRORS: ServerError[] = [
  {
    errorText: 'OOM command not allowed',
    begin: async () => getFixture().admin.configSet('maxmemory', '1'),
    end: async () => getFixture().admin.configSet('maxmemory', '0'),
  },
  {
    errorText: 'NOPERM',
    begin: async () => getFixture().admin.aclSetUser(DEFAULT_USER, ['-set', '-setnx', '-eval']),
    end: async () => getFixture().admin.aclSetUser(DEFAULT_USER, '+@all'),
  },
  {
    errorText: 'MISCONF Redis is configured to save RDB snapshots',
    async begin() {
      // A folder at the snapshot's path makes the snapshot fail.
      await rm(await findSnapshotFile(), { force: true });
      await mkdir(await findSnapshotFile());
      await getFixture().admin.configSet('save', '3600 1');
      await saveSnapshot();
      expect(await readLastSaveStatus()).toBe('err');
    },
    async end() {
      await rmdir(await findSnapshotFile());
      await saveSnapshot();
      await getFixture().admin.configSet('save', '');
    },
  },
  CLUSTERDOWN,
];

const RETRIEVE_ERRORS: ServerError[] = [
  {
    errorText: 'NOPERM',
    begin: async () => getFixture().admin.aclSetUser(DEFAULT_USER, ['-get', '-getex', '-eval']),
    end: async () => getFixture().admin.aclSetUser(DEFAULT_USER, '+@all'),
  },
  CLUSTERDOWN,
];

describe.each(Object.keys(SHAPES))('%s', (name) => {
  it.each(STORE_ERRORS)(
    'rejects a store with the Redis error and the key: $errorText',
    async ({ errorText, begin, end }) => {
      const { client, connected } = getFixture().open(name);
      await connected;
      const driver = new RedisStorageDriver({ client, keyPrefix: randomUUID() });
      const payload = createRandomPayload(1000);
      await driver.store({}, [createRandomPayload(1000)]);

      let error: unknown;
      await begin();
      try {
        error = await driver.store({}, [payload]).catch((reason: unknown) => reason);
      } finally {
        await end();
      }
      const [claim] = await driver.store({}, [payload]);
      const [back] = await driver.retrieve({}, [claim!]);
      expect(isSamePayload(back!, payload)).toBe(true);

      expect(error).toBeInstanceOf(RedisStorageDriverError);
      const { message, cause } = error as RedisStorageDriverError;
      expect(message).toContain(`key=${claim!.claimData['key']!}`);
      expect((cause as Error).message).toContain(errorText);
    },
  );

  it.each(RETRIEVE_ERRORS)(
    'rejects a retrieve with the Redis error and the key: $errorText',
    async ({ errorText, begin, end }) => {
      const { client, connected } = getFixture().open(name);
      await connected;
      const driver = new RedisStorageDriver({ client, keyPrefix: randomUUID() });
      const payload = createRandomPayload(1000);
      const [claim] = await driver.store({}, [payload]);

      let error: unknown;
      await begin();
      try {
        error = await driver.retrieve({}, [claim!]).catch((reason: unknown) => reason);
      } finally {
        await end();
      }
      const [back] = await driver.retrieve({}, [claim!]);
      expect(isSamePayload(back!, payload)).toBe(true);

      expect(error).toBeInstanceOf(RedisStorageDriverError);
      const { message, cause } = error as RedisStorageDriverError;
      expect(message).toContain(`key=${claim!.claimData['key']!}`);
      expect((cause as Error).message).toContain(errorText);
    },
  );

  it('rejects a retrieve of a key with another type with the Redis error and the key: WRONGTYPE', async () => {
    const { client, connected } = getFixture().open(name);
    await connected;
    const driver = new RedisStorageDriver({ client, keyPrefix: randomUUID() });
    const [claim] = await driver.store({}, [createRandomPayload(1000)]);
    const key = claim!.claimData['key']!;
    await getFixture().backDoor.delete(key);
    await getFixture().backDoor.writeList(key);

    const error: unknown = await driver.retrieve({}, [claim!]).catch((reason: unknown) => reason);

    expect(error).toBeInstanceOf(RedisStorageDriverError);
    const { message, cause } = error as RedisStorageDriverError;
    expect(message).toContain(`key=${key}`);
    expect((cause as Error).message).toContain('WRONGTYPE Operation against a key holding the wrong kind of value');
  });
});
