import { randomUUID } from 'node:crypto';
import { mkdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RedisStorageDriver, RedisStorageDriverError } from '@temporal-redis-storage/core';
import { waitUntil } from '../../../testing/src/wait-until';
import { randomPayload, isSamePayload } from './payloads';
import { SHAPES } from '../client-shapes';
import { useFaultFixture } from './fixture';

/** A cluster that doesn't serve them all serves none. */
const SLOT = 0;
const EVERYONE = 'default';

const site = useFaultFixture();

beforeAll(async () => {
  // A node that finds the cluster in order again waits for so long before it says so.
  await site().admin.configSet('cluster-node-timeout', '500');
});

/** How Redis comes to refuse, in which words, and what ends it. */
interface Refusal {
  words: string;
  begin: () => Promise<unknown>;
  end: () => Promise<unknown>;
}

async function snapshotFile(): Promise<string> {
  const { dir, dbfilename } = await site().admin.configGet(['dir', 'dbfilename']);
  return join(dir!, dbfilename!);
}

async function lastSaveStatus(): Promise<string> {
  return /rdb_last_bgsave_status:(\w+)/.exec(await site().admin.info('persistence'))![1]!;
}

async function save(): Promise<void> {
  await site().admin.bgSave();
  await waitUntil('the snapshot is done', [site().admin], async (redis) =>
    (await redis.info('persistence')).includes('rdb_bgsave_in_progress:0'),
  );
}

const CLUSTERDOWN: Refusal = {
  words: 'CLUSTERDOWN',
  begin: async () => site().admin.clusterDelSlots(SLOT),
  async end() {
    await site().admin.clusterAddSlots(SLOT);
    await waitUntil('the slots are served', [site().admin], async (redis) =>
      (await redis.clusterInfo()).includes('cluster_state:ok'),
    );
  },
};

const STORE_REFUSALS: Refusal[] = [
  {
    words: 'OOM command not allowed',
    begin: async () => site().admin.configSet('maxmemory', '1'),
    end: async () => site().admin.configSet('maxmemory', '0'),
  },
  {
    words: 'NOPERM',
    begin: async () => site().admin.aclSetUser(EVERYONE, ['-set', '-setnx', '-eval']),
    end: async () => site().admin.aclSetUser(EVERYONE, '+@all'),
  },
  {
    words: 'MISCONF Redis is configured to save RDB snapshots',
    async begin() {
      // Redis can't put its snapshot where a folder is.
      await rm(await snapshotFile(), { force: true });
      await mkdir(await snapshotFile());
      await site().admin.configSet('save', '3600 1');
      await save();
      expect(await lastSaveStatus()).toBe('err');
    },
    async end() {
      await rmdir(await snapshotFile());
      await save();
      await site().admin.configSet('save', '');
    },
  },
  CLUSTERDOWN,
];

const RETRIEVE_REFUSALS: Refusal[] = [
  {
    words: 'NOPERM',
    begin: async () => site().admin.aclSetUser(EVERYONE, ['-get', '-getex', '-eval']),
    end: async () => site().admin.aclSetUser(EVERYONE, '+@all'),
  },
  CLUSTERDOWN,
];

describe.each(Object.keys(SHAPES))('%s', (name) => {
  it.each(STORE_REFUSALS)(
    'tells a refusal in the words of Redis, with the key: $words',
    async ({ words, begin, end }) => {
      const { client, connected } = site().open(name);
      await connected;
      const driver = new RedisStorageDriver({ client, keyPrefix: randomUUID() });
      const payload = randomPayload(1000);
      await driver.store({}, [randomPayload(1000)]);

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
      expect((cause as Error).message).toContain(words);
    },
  );

  it.each(RETRIEVE_REFUSALS)(
    'tells a refusal to read in the words of Redis, with the key: $words',
    async ({ words, begin, end }) => {
      const { client, connected } = site().open(name);
      await connected;
      const driver = new RedisStorageDriver({ client, keyPrefix: randomUUID() });
      const payload = randomPayload(1000);
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
      expect((cause as Error).message).toContain(words);
    },
  );

  it('tells in the words of Redis, with the key, that a key holds something else: WRONGTYPE', async () => {
    const { client, connected } = site().open(name);
    await connected;
    const driver = new RedisStorageDriver({ client, keyPrefix: randomUUID() });
    const [claim] = await driver.store({}, [randomPayload(1000)]);
    const key = claim!.claimData['key']!;
    await site().backDoor.delete(key);
    await site().backDoor.writeList(key);

    const error: unknown = await driver.retrieve({}, [claim!]).catch((reason: unknown) => reason);

    expect(error).toBeInstanceOf(RedisStorageDriverError);
    const { message, cause } = error as RedisStorageDriverError;
    expect(message).toContain(`key=${key}`);
    expect((cause as Error).message).toContain('WRONGTYPE Operation against a key holding the wrong kind of value');
  });
});
