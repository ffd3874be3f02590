import { randomBytes, randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import * as ioredis6 from 'ioredis';
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import {
  after,
  hold,
  pass,
  reset,
  startFaultProxy,
  startRedis,
  startRedisCluster,
} from '@temporal-redis-storage/testing';
import type { FaultProxy, RunningRedis, RunningRedisCluster } from '@temporal-redis-storage/testing';
import { IoredisStorageDriverClient } from '../src';
import { LIBRARIES } from './libraries';

const MIB = 1024 * 1024;

let single: RunningRedis;
let cluster: RunningRedisCluster;
const openClients: { disconnect(): void }[] = [];

beforeAll(async () => {
  single = await startRedis();
  cluster = await startRedisCluster({ replicasPerMaster: 0 });
});

afterEach(() => {
  for (const redis of openClients.splice(0)) redis.disconnect();
});

afterAll(async () => {
  await Promise.all([single?.stop(), cluster?.stop()]);
});

function trackClient<Client extends { disconnect(): void }>(redis: Client): Client {
  openClients.push(redis);
  return redis;
}

/** Records every later write to the socket of a connection. */
function recordWrites(redis: ioredis6.Redis): unknown[] {
  const writes: unknown[] = [];
  const { stream } = redis as unknown as { stream: Socket };
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  stream.write = (...args: unknown[]) => {
    writes.push(args[0]);
    return write(...args);
  };
  return writes;
}

const isUncopied = (data: Uint8Array) => (written: unknown) =>
  written instanceof Uint8Array && written.buffer === data.buffer && written.length === data.length;

async function waitUntilReady(redis: ioredis6.Redis): Promise<ioredis6.Redis> {
  await redis.ping();
  return redis;
}

async function expectStored(redis: ioredis6.Redis | ioredis6.Cluster, key: string, data: Uint8Array): Promise<void> {
  const stored = await redis.getBuffer(key);
  expect(stored?.equals(data)).toBe(true);
}

describe.each(LIBRARIES)('a large value through %s', (_, { default: Redis, Cluster }) => {
  it.each([
    ['with default options', {}],
    ['with a keyPrefix', { keyPrefix: 'app:' }],
    ['over RESP2', { protocol: 2 as const }],
  ])('is written to the socket without a copy and keeps its TTL, %s', async (_name, options) => {
    const redis = await waitUntilReady(trackClient(new Redis(single.url, options)));
    const client = new IoredisStorageDriverClient(redis);
    const writes = recordWrites(redis);
    const [key, data] = [randomUUID(), randomBytes(5 * MIB)];

    expect(await client.setIfAbsent(key, data, { ttlMs: 100_000 })).toBe(true);
    expect(await client.setIfAbsent(key, randomBytes(MIB))).toBe(false);

    expect(writes.filter(isUncopied(data))).toHaveLength(1);
    await expectStored(redis, key, data);
    expect(await redis.pttl(key)).toBeGreaterThan(90_000);
  });

  it('is not copied with autopipelining, and stays out of its batches', async () => {
    const redis = await waitUntilReady(trackClient(new Redis(single.url, { enableAutoPipelining: true })));
    const client = new IoredisStorageDriverClient(redis);
    const writes = recordWrites(redis);
    const [key, data] = [randomUUID(), randomBytes(2 * MIB)];

    const others = Array.from({ length: 10 }, () => client.setIfAbsent(randomUUID(), randomBytes(10)));
    await Promise.all([client.setIfAbsent(key, data), ...others]);

    expect(writes.filter(isUncopied(data))).toHaveLength(1);
    await expectStored(redis, key, data);
  });

  it('is sent in order with the other commands of its connection, also with pipelines', async () => {
    const redis = trackClient(new Redis(single.url));
    const client = new IoredisStorageDriverClient(redis);
    const values = Array.from({ length: 30 }, (_value, index) => ({
      key: randomUUID(),
      data: randomBytes(index % 3 === 0 ? 1000 : MIB + index * 1000),
    }));

    const replies = values.flatMap(({ key, data }) => [
      client.setIfAbsent(key, data),
      redis.echo(key),
      redis
        .pipeline()
        .set(`${key}:beside`, key)
        .get(`${key}:beside`)
        .exec()
        .then((results) => results?.[1]?.[1]),
    ]);

    expect(await Promise.all(replies)).toEqual(values.flatMap(({ key }) => [true, key, key]));
    for (const { key, data } of values) await expectStored(redis, key, data);
  });

  it('is stored if the command first waits in the offline queue', async () => {
    const redis = trackClient(new Redis(single.url, { lazyConnect: true }));
    const [key, data] = [randomUUID(), randomBytes(2 * MIB)];

    expect(await new IoredisStorageDriverClient(redis).setIfAbsent(key, data)).toBe(true);

    await expectStored(redis, key, data);
  });

  describe('on a connection that breaks in the middle of the value', () => {
    let proxy: FaultProxy;

    beforeEach(async () => {
      proxy = await startFaultProxy(single);
    });

    afterEach(async () => {
      await proxy.stop();
    });

    it('is sent again completely by the driver', async () => {
      const redis = await waitUntilReady(trackClient(new Redis({ host: proxy.host, port: proxy.port })));
      redis.on('error', () => {});
      const [data, otherData] = [randomBytes(5 * MIB), randomBytes(2 * MIB)];
      redis.once('close', () => (proxy.toServer = pass));
      proxy.toServer = after(2 * MIB, reset);
      const driver = new RedisStorageDriver({ client: new IoredisStorageDriverClient(redis), keyPrefix: randomUUID() });

      const payloads = await driver.retrieve({}, await driver.store({}, [{ data }, { data: otherData }]));

      expect(payloads.map((payload) => payload.data?.length)).toEqual([data.length, otherData.length]);
      expect(Buffer.compare(payloads[0]!.data!, data)).toBe(0);
      expect(Buffer.compare(payloads[1]!.data!, otherData)).toBe(0);
    });

    it('is refused once if it is over proto-max-bulk-len, and later ones are not copied either', async () => {
      const admin = await waitUntilReady(trackClient(new Redis(single.url)));
      const redis = await waitUntilReady(trackClient(new Redis({ host: proxy.host, port: proxy.port })));
      redis.on('error', () => {});
      const client = new IoredisStorageDriverClient(redis);
      const [refused, accepted] = [randomBytes(MIB + 1000), randomBytes(2 * MIB)];
      const sent = jest.spyOn(redis, 'sendCommand');
      redis.once('close', () => (proxy.toServer = pass));
      await admin.config('SET', 'proto-max-bulk-len', '1mb');
      try {
        // Redis sees the length alone, so that its answer isn't lost with the rest of the value.
        proxy.toServer = after(500, hold);
        await expect(client.setIfAbsent(randomUUID(), refused)).rejects.toThrow('invalid bulk length');
      } finally {
        await admin.config('SET', 'proto-max-bulk-len', '512mb');
      }
      await redis.ping();
      expect(sent.mock.calls.filter(([{ name }]) => name === 'set')).toHaveLength(1);

      const writes = recordWrites(redis);
      expect(await client.setIfAbsent(randomUUID(), accepted)).toBe(true);
      expect(writes.filter(isUncopied(accepted))).toHaveLength(1);
    });
  });

  it('follows the MOVED and ASK redirections of a Cluster', async () => {
    const redis = trackClient(new Cluster(cluster.nodes, { slotsRefreshTimeout: 10_000 }));
    const client = new IoredisStorageDriverClient(redis);
    await redis.get('');
    const masters = await Promise.all(
      cluster.nodes.map(async ({ url }) => {
        const master = trackClient(new ioredis6.Redis(url));
        return { master, id: await master.cluster('MYID') };
      }),
    );
    const key = `${randomUUID()}:{moving}`;
    const slot = await redis.cluster('KEYSLOT', key);
    const owner = slot < 5461 ? 0 : slot < 10_923 ? 1 : 2;
    const [source, target] = [masters[owner]!, masters[(owner + 1) % 3]!];
    const values = [randomBytes(2 * MIB), randomBytes(3 * MIB)];

    await target.master.cluster('SETSLOT', slot, 'IMPORTING', source.id);
    await source.master.cluster('SETSLOT', slot, 'MIGRATING', target.id);
    expect(await client.setIfAbsent(`${key}:asked`, values[0]!)).toBe(true);
    expect(await source.master.cluster('COUNTKEYSINSLOT', slot)).toBe(0);
    expect(await target.master.cluster('COUNTKEYSINSLOT', slot)).toBe(1);

    for (const { master } of [target, source]) await master.cluster('SETSLOT', slot, 'NODE', target.id);
    expect(await client.setIfAbsent(`${key}:moved`, values[1]!)).toBe(true);

    await expectStored(redis, `${key}:asked`, values[0]!);
    await expectStored(redis, `${key}:moved`, values[1]!);
    await redis.del(`${key}:asked`, `${key}:moved`);
    await source.master.cluster('SETSLOT', slot, 'NODE', source.id);
    await target.master.cluster('SETSLOT', slot, 'NODE', source.id);
  });

  it('is copied after Redis reports a protocol error, if the client writes commands in another way', async () => {
    const redis = trackClient(new Redis(single.url));
    redis.on('error', () => {});
    const closed = jest.fn();
    redis.on('close', closed);
    const send = redis.sendCommand.bind(redis) as (command: { toWritable?: (stream: unknown) => unknown }) => unknown;
    // Stands for code that measures each command before it is sent.
    redis.sendCommand = ((command: Parameters<typeof send>[0]) => {
      command.toWritable?.((redis as unknown as { stream: unknown }).stream);
      return send(command);
    }) as unknown as typeof redis.sendCommand;
    const driver = new RedisStorageDriver({ client: new IoredisStorageDriverClient(redis), keyPrefix: randomUUID() });
    const values = [randomBytes(2 * MIB), randomBytes(3 * MIB)];
    await redis.ping();

    for (const data of values) {
      const [payload] = await driver.retrieve({}, await driver.store({}, [{ data }]));
      expect(Buffer.compare(payload!.data!, data)).toBe(0);
    }

    expect(closed).toHaveBeenCalled();
  });
});
