import { randomBytes, randomUUID } from 'node:crypto';
import { RedisStorageDriver, type RedisStorageDriverClient } from '@temporal-redis-storage/core';
import { IoredisStorageDriverClient } from '@temporal-redis-storage/ioredis';
import { NodeRedisStorageDriverClient } from '@temporal-redis-storage/node-redis';
import {
  cleanUpAfterEach,
  hold,
  pass,
  startFaultProxy,
  startRedis,
  type FaultProxy,
  type RunningRedis,
} from '@temporal-redis-storage/testing';
import { Redis } from 'ioredis';
import { createClient, createClientPool } from 'redis';

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

/** Clients with a limit that is shorter than the driver's deadline. */
const LIMITED: Record<string, () => Promise<RedisStorageDriverClient>> = {
  async 'the command time-out of node-redis 6'() {
    const client = createClient({ url: `redis://${proxy.host}:${proxy.port}`, commandOptions: { timeout: 300 } });
    client.on('error', () => {});
    await client.connect();
    cleanUp(() => client.destroy());
    return new NodeRedisStorageDriverClient(client);
  },
  async "ioredis's commandTimeout"() {
    const client = new Redis(proxy.port, proxy.host, { commandTimeout: 300 });
    client.on('error', () => {});
    cleanUp(() => client.disconnect());
    await client.ping();
    return new IoredisStorageDriverClient(client);
  },
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
    proxy.toServer = hold;
    setTimeout(() => (proxy.toServer = pass), 1500);
    const payloads = createPayloads(2);
    await expect(driver.store({}, payloads)).resolves.toHaveLength(2);
  });
});

describe('commandsQueueMaxLength of node-redis', () => {
  it('lets calls with more payloads succeed', async () => {
    const client = createClient({ url: redis.url, commandsQueueMaxLength: 20 });
    client.on('error', () => {});
    await client.connect();
    cleanUp(() => client.destroy());
    const driver = createDriver(new NodeRedisStorageDriverClient(client));
    const payloads = createPayloads(100);
    const claims = await driver.store({}, payloads);
    const read = await driver.retrieve({}, claims);
    expect(read.map(({ data }, index) => Buffer.compare(data!, payloads[index]!.data))).toEqual(payloads.map(() => 0));
  });
});

describe('maxclients', () => {
  it('is waited for by node-redis until a connection is free', async () => {
    const admin = createClient({ url: redis.url });
    await admin.connect();
    const client = createClient({ url: redis.url, socket: { reconnectStrategy: 100 } });
    client.on('error', () => {});
    await client.connect();
    cleanUp(
      () => client.destroy(),
      () => admin.configSet('maxclients', '10000'),
      () => admin.destroy(),
    );
    const driver = createDriver(new NodeRedisStorageDriverClient(client));
    await admin.configSet('maxclients', '1');
    await admin.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
    setTimeout(() => void admin.configSet('maxclients', '10000'), 1000);
    await expect(driver.store({}, createPayloads(1))).resolves.toHaveLength(1);
  });
});
