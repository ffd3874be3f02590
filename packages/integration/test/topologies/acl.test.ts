import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { RedisStorageDriver, type RedisStorageDriverClient } from '@temporal-redis-storage/core';
import {
  openBackDoor,
  startRedis,
  startRedisCluster,
  type RedisAddress,
  type RunningRedis,
  type RunningRedisCluster,
} from '@temporal-redis-storage/testing';
import { connectAll, disconnectAll } from '../../../testing/src/servers/redis-connection';
import { CLUSTER_CLIENTS, SERVER_CLIENTS, type Login, type OpenClient } from '../client-shapes';
import { moveSlot } from './resharding';

const PREFIX = 'temporalio:payloads';
const PRESENT = newKey();
const DATA = Buffer.from('data');

/** In a script it is no NOPERM; the second words are those of Redis 7.0. */
const REFUSAL = /^NOPERM |ACL failure in script|The user executing the script can't run this command/;

type Operation = (client: RedisStorageDriverClient) => Promise<unknown>;

const OPERATIONS = {
  'a write': (client) => client.setIfAbsent(newKey(), DATA),
  'a write with a TTL': (client) => client.setIfAbsent(newKey(), DATA, { ttlMs: 60_000 }),
  'a read': (client) => client.get(PRESENT),
  'a read of what is absent': (client) => client.get(newKey()),
  'a question whether a key exists': async (client) => client.exists?.(PRESENT),
} satisfies Record<string, Operation>;

const RESULTS = {
  'a write': true,
  'a write with a TTL': true,
  'a read': DATA,
  'a read of what is absent': null,
  'a question whether a key exists': true,
};

/** The commands that a user must be allowed. */
const NEEDS = {
  'node-redis': {
    'a write': ['set'],
    'a write with a TTL': ['set'],
    'a read': ['get'],
    'a read of what is absent': ['get', 'eval', 'getex'],
    'a question whether a key exists': ['setrange'],
  },
  ioredis: {
    'a write': ['set'],
    'a write with a TTL': ['set'],
    'a read': ['get'],
    'a read of what is absent': ['get', 'getex'],
    'a question whether a key exists': ['setrange'],
  },
};

/** All of them, and those that a cluster takes besides. */
const CLUSTER_NEEDS = {
  'node-redis': ['set', 'get', 'eval', 'getex', 'cluster|slots', 'asking'],
  'node-redis, reading from replicas': ['set', 'get', 'eval', 'getex', 'cluster|slots', 'asking', 'readonly'],
  ioredis: ['set', 'get', 'getex', 'cluster|slots', 'cluster|info', 'asking'],
  'ioredis, reading from replicas': ['set', 'get', 'getex', 'cluster|slots', 'cluster|info', 'asking', 'readonly'],
};

const libraries = Object.keys(NEEDS) as (keyof typeof NEEDS)[];
const operations = Object.keys(OPERATIONS) as (keyof typeof OPERATIONS)[];

const clients: OpenClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

describe('on a server', () => {
  let redis: RunningRedis;

  beforeAll(async () => {
    redis = await startRedis();
    const backDoor = await openBackDoor(redis.url);
    await backDoor.write(PRESENT, DATA);
    await backDoor.close();
  });

  afterAll(async () => {
    await redis?.stop();
  });

  async function clientOf(library: string, commands: string[], database?: number): Promise<RedisStorageDriverClient> {
    const login = await createUser([redis], commands);
    const open = await SERVER_CLIENTS[library]!(redis, { ...login, ...(database !== undefined && { database }) });
    clients.push(open);
    return open.client;
  }

  const needs = libraries.flatMap((library) =>
    operations.map((operation) => ({ library, operation, commands: NEEDS[library][operation] })),
  );

  it.each(needs)('$operation with $library needs leave for $commands', async ({ library, operation, commands }) => {
    const run: Operation = OPERATIONS[operation];
    expect(await run(await clientOf(library, commands))).toEqual(RESULTS[operation]);
    for (const missing of commands) {
      const client = await clientOf(
        library,
        commands.filter((command) => command !== missing),
      );
      await expect(run(client)).rejects.toThrow(REFUSAL);
    }
  });

  it.each(libraries)(
    'a write that is refused with %s shows nothing of the payload, however its error is logged',
    async (library) => {
      const client = await clientOf(library, ['get']);
      const driver = new RedisStorageDriver({ client });
      const error: unknown = await driver.store({}, [{ data: DATA }]).catch((e: unknown) => e);
      expect(error).toMatchObject({ cause: { message: expect.stringMatching(REFUSAL) as string } });
      expect(inspect(error, { depth: Infinity })).not.toContain(inspect(DATA));
    },
  );

  it.each(libraries)('%s needs leave for SELECT to use another database', async (library) => {
    const client = await clientOf(library, ['set', 'select'], 5);
    await expect(client.setIfAbsent(newKey(), DATA)).resolves.toBe(true);
  });
});

describe('on a cluster', () => {
  let cluster: RunningRedisCluster;

  beforeAll(async () => {
    cluster = await startRedisCluster();
  });

  afterAll(async () => {
    await cluster?.stop();
  });

  it.each(Object.entries(CLUSTER_NEEDS))(
    '%s gets by with leave for %j, also while slots move',
    async (name, commands) => {
      const login = await createUser(cluster.nodes, commands);
      const open = await CLUSTER_CLIENTS[name]!(cluster.nodes[0]!, login);
      clients.push(open);
      const tag = `${PREFIX}:{${randomUUID()}}`;

      await moveSlot(cluster.nodes.slice(0, 3), tag, async () => {
        expect(await open.client.setIfAbsent(`${tag}:new`, DATA)).toBe(true);
        expect(await open.client.get(`${tag}:new`)).toEqual(DATA);
        expect(await open.client.get(`${tag}:absent`)).toBeNull();
      });
      expect(await open.client.get(`${tag}:new`)).toEqual(DATA);
      expect(await open.client.get(`${tag}:absent`)).toBeNull();
    },
  );
});

function newKey(): string {
  return `${PREFIX}:${randomUUID()}`;
}

/** A user who may do with the payloads' keys what these commands do, and nothing else. */
async function createUser(nodes: RedisAddress[], commands: string[]): Promise<Login> {
  const login = { username: randomUUID(), password: randomUUID() };
  const rules = ['on', `>${login.password}`, `~${PREFIX}:*`, ...commands.map((command) => `+${command}`)];
  const connections = await connectAll(nodes);
  try {
    await Promise.all(connections.map((connection) => connection.aclSetUser(login.username, rules)));
  } finally {
    disconnectAll(connections);
  }
  return login;
}
