import { randomBytes, randomUUID } from 'node:crypto';
import { RedisStorageDriver, type RedisStorageDriverClient } from '@temporal-redis-storage/core';
import { IoredisStorageDriverClient } from '@temporal-redis-storage/ioredis';
import { NodeRedisStorageDriverClient } from '@temporal-redis-storage/node-redis';
import {
  cleanUpAfterEach,
  delay,
  hold,
  pass,
  startFaultProxy,
  startRedis,
  throttle,
  type FaultProxy,
  type RunningRedis,
} from '@temporal-redis-storage/testing';
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis-5';
import { createClient, createClientPool } from 'redis';
import { createClient as createClient5 } from 'redis-5';

jest.setTimeout(120_000);

let redis: RunningRedis;
let proxy: FaultProxy;
const { cleanUp } = cleanUpAfterEach();

beforeAll(async () => {
  redis = await startRedis();
  proxy = await startFaultProxy(redis);
});

afterEach(() => {
  proxy.toServer = pass;
});

afterAll(async () => {
  await proxy?.stop();
  await redis?.stop();
});

const createPayloads = (count: number) => Array.from({ length: count }, () => ({ data: randomBytes(1000) }));

const createDriver = (client: RedisStorageDriverClient): RedisStorageDriver =>
  new RedisStorageDriver({ client, keyPrefix: randomUUID(), requestTimeout: '12 seconds' });

async function connectIoredis(client: Redis | Redis5): Promise<RedisStorageDriverClient> {
  client.on('error', () => {});
  cleanUp(() => client.disconnect());
  await client.ping();
  return new IoredisStorageDriverClient(client);
}

async function connectNodeRedis(create: typeof createClient): Promise<RedisStorageDriverClient> {
  const client = create({ url: redis.url, socket: { reconnectStrategy: 100 } });
  client.on('error', () => {});
  cleanUp(() => client.destroy());
  await client.connect();
  return new NodeRedisStorageDriverClient(client);
}

/** Both major versions of node-redis. */
const NODE_REDIS = [
  ['node-redis 6', createClient],
  ['node-redis 5', createClient5 as unknown as typeof createClient],
] as const;

/** Clients with a limit that is shorter than the driver's deadline. */
const LIMITED: Record<string, () => Promise<RedisStorageDriverClient>> = {
  async 'the command time-out of node-redis 6'() {
    const client = createClient({ url: `redis://${proxy.host}:${proxy.port}`, commandOptions: { timeout: 300 } });
    client.on('error', () => {});
    await client.connect();
    cleanUp(() => client.destroy());
    return new NodeRedisStorageDriverClient(client);
  },
  'the commandTimeout of ioredis 6': () => connectIoredis(new Redis(proxy.port, proxy.host, { commandTimeout: 300 })),
  'the commandTimeout of ioredis 5': () => connectIoredis(new Redis5(proxy.port, proxy.host, { commandTimeout: 300 })),
  async "a pool's acquireTimeout"() {
    const pool = createClientPool(
      { url: `redis://${proxy.host}:${proxy.port}` },
      { minimum: 1, maximum: 1, acquireTimeout: 300 },
    );
    pool.on('error', () => {});
    await pool.connect();
    cleanUp(() => pool.destroy());
    return new NodeRedisStorageDriverClient(pool);
  },
};

describe("the driver's deadline decides, not", () => {
  it.each(Object.keys(LIMITED))('%s', async (name) => {
    const driver = createDriver(await LIMITED[name]!());
    // Without a connection, commands wait unwritten, and only then node-redis's own time-out applies.
    proxy.toServer = hold;
    for (const link of proxy.links) link.reset();
    const timer = setTimeout(() => (proxy.toServer = pass), 1500);
    cleanUp(() => clearTimeout(timer));
    const payloads = createPayloads(2);
    await expect(driver.store({}, payloads)).resolves.toHaveLength(2);
  });
});

describe('large payloads reach Redis over a slow connection despite', () => {
  it.each(Object.keys(LIMITED))('%s', async (name) => {
    const driver = createDriver(await LIMITED[name]!());
    proxy.toServer = throttle(4e6);
    const payloads = [1, 2, 3].map(() => ({ data: randomBytes(3e6) }));
    await expect(driver.store({}, payloads)).resolves.toHaveLength(3);
  });
});

describe('commandsQueueMaxLength', () => {
  it.each(NODE_REDIS)('lets calls with more payloads succeed on a slow connection, with %s', async (_name, create) => {
    const client = create({ url: `redis://${proxy.host}:${proxy.port}`, commandsQueueMaxLength: 20 });
    client.on('error', () => {});
    await client.connect();
    cleanUp(() => client.destroy());
    const driver = createDriver(new NodeRedisStorageDriverClient(client));
    // Too many for the retries of a full queue.
    const payloads = createPayloads(200);
    proxy.toServer = delay(150);
    const claims = await driver.store({}, payloads);
    const read = await driver.retrieve({}, claims);
    expect(read.map(({ data }, index) => Buffer.compare(data!, payloads[index]!.data))).toEqual(payloads.map(() => 0));
  });
});

describe('maxclients', () => {
  it.each<[name: string, connect: () => Promise<RedisStorageDriverClient>]>([
    ['node-redis 6', () => connectNodeRedis(createClient)],
    ['node-redis 5', () => connectNodeRedis(createClient5 as unknown as typeof createClient)],
    ['ioredis 6', () => connectIoredis(new Redis(redis.port, redis.host))],
    ['ioredis 5', () => connectIoredis(new Redis5(redis.port, redis.host))],
  ])('is waited for until a connection is free, with %s', async (_name, connect) => {
    const admin = createClient({ url: redis.url });
    await admin.connect();
    cleanUp(
      () => admin.configSet('maxclients', '10000'),
      () => admin.destroy(),
    );
    const driver = createDriver(await connect());
    await admin.configSet('maxclients', '1');
    await admin.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
    setTimeout(() => void admin.configSet('maxclients', '10000'), 1000);
    await expect(driver.store({}, createPayloads(1))).resolves.toHaveLength(1);
  });
});
