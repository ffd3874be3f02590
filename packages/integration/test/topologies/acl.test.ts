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
const PRESENT = createKey();
const DATA = Buffer.from('data');

/** A key with a TTL, which each extension makes longer. */
const EXPIRING = createKey();
let ttlMs = 24 * 60 * 60 * 1000;

/** Error texts of a denied command. Inside scripts they differ from NOPERM, and depend on the version of Redis. */
const DENIED = /^NOPERM |ACL failure in script|The user executing the script can't run this command/;

type Operation = (client: RedisStorageDriverClient) => Promise<unknown>;

const OPERATIONS = {
  'a write': (client) => client.setIfAbsent(createKey(), DATA),
  'a write with a TTL': (client) => client.setIfAbsent(createKey(), DATA, { ttlMs: 60_000 }),
  'a read': (client) => client.get(PRESENT),
  'a read of an absent key': (client) => client.get(createKey()),
  'an existence check': async (client) => client.exists?.(PRESENT),
  'an extension': async (client) => client.extendTtl?.(EXPIRING, (ttlMs *= 2)),
} satisfies Record<string, Operation>;

const RESULTS = {
  'a write': true,
  'a write with a TTL': true,
  'a read': DATA,
  'a read of an absent key': null,
  'an existence check': true,
  'an extension': true,
};

/** The commands that a user must be allowed to run on a single server. */
const REQUIRED_COMMANDS = {
  'node-redis': {
    'a write': ['set'],
    'a write with a TTL': ['set'],
    'a read': ['get'],
    'a read of an absent key': ['get', 'eval', 'getex'],
    'an existence check': ['eval', 'srem', 'strlen'],
    'an extension': ['eval', 'srem', 'pttl', 'pexpire'],
  },
  ioredis: {
    'a write': ['set'],
    'a write with a TTL': ['set'],
    'a read': ['get'],
    'a read of an absent key': ['get', 'getex'],
    'an existence check': ['eval', 'srem', 'strlen'],
    'an extension': ['eval', 'srem', 'pttl', 'pexpire'],
  },
};

/** The commands that a user must be allowed to run on a cluster, which needs some more. */
const REQUIRED_CLUSTER_COMMANDS = {
  'node-redis': ['set', 'get', 'eval', 'getex', 'cluster|slots', 'asking'],
  'node-redis, reading from replicas': ['set', 'get', 'eval', 'getex', 'cluster|slots', 'asking', 'readonly'],
  ioredis: ['set', 'get', 'getex', 'cluster|slots', 'cluster|info', 'asking'],
  'ioredis, reading from replicas': ['set', 'get', 'getex', 'cluster|slots', 'cluster|info', 'asking', 'readonly'],
};

const libraries = Object.keys(REQUIRED_COMMANDS) as (keyof typeof REQUIRED_COMMANDS)[];
const operations = Object.keys(OPERATIONS) as (keyof typeof OPERATIONS)[];

const clients: OpenClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

describe('access control on a server', () => {
  let redis: RunningRedis;

  beforeAll(async () => {
    redis = await startRedis();
    const backDoor = await openBackDoor(redis.url);
    await backDoor.write(PRESENT, DATA);
    await backDoor.write(EXPIRING, DATA, ttlMs);
    await backDoor.close();
  });

  afterAll(async () => {
    await redis?.stop();
  });

  async function openClient(library: string, commands: string[], database?: number): Promise<RedisStorageDriverClient> {
    const login = await createUser([redis], commands);
    const open = await SERVER_CLIENTS[library]!(redis, { ...login, ...(database !== undefined && { database }) });
    clients.push(open);
    return open.client;
  }

  const cases = libraries.flatMap((library) =>
    operations.map((operation) => ({ library, operation, commands: REQUIRED_COMMANDS[library][operation] })),
  );

  it.each(cases)(
    '$operation with $library requires exactly the permissions for $commands',
    async ({ library, operation, commands }) => {
      const runOperation: Operation = OPERATIONS[operation];
      expect(await runOperation(await openClient(library, commands))).toEqual(RESULTS[operation]);
      for (const missing of commands) {
        const client = await openClient(
          library,
          commands.filter((command) => command !== missing),
        );
        await expect(runOperation(client)).rejects.toThrow(DENIED);
      }
    },
  );

  it.each(libraries)('the error of a store that is denied with %s does not contain the payload', async (library) => {
    const client = await openClient(library, ['get']);
    const driver = new RedisStorageDriver({ client });
    const error: unknown = await driver.store({}, [{ data: DATA }]).catch((e: unknown) => e);
    expect(error).toMatchObject({ cause: { message: expect.stringMatching(DENIED) as string } });
    expect(inspect(error, { depth: Infinity })).not.toContain(inspect(DATA));
  });

  it.each(libraries)('%s can use another database with permission for SELECT', async (library) => {
    const client = await openClient(library, ['set', 'select'], 5);
    await expect(client.setIfAbsent(createKey(), DATA)).resolves.toBe(true);
  });
});

describe('access control on a cluster', () => {
  let cluster: RunningRedisCluster;

  beforeAll(async () => {
    cluster = await startRedisCluster();
  });

  afterAll(async () => {
    await cluster?.stop();
  });

  it.each(Object.entries(REQUIRED_CLUSTER_COMMANDS))(
    '%s works with permissions for %j, even while slots move',
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

function createKey(): string {
  return `${PREFIX}:${randomUUID()}`;
}

/** Creates a user who may only run these commands, on keys of payloads. */
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
