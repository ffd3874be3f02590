import { randomUUID } from 'node:crypto';
import {
  describeClientContract,
  openBackDoor,
  openClusterBackDoor,
  startRedis,
  startRedisCluster,
  startRedisSentinel,
  type BackDoor,
  type RunningRedis,
  type RunningRedisCluster,
  type RunningRedisSentinel,
} from '@temporal-redis-storage/testing';
import * as redis6 from 'redis';
import { connect, LIBRARIES, type Connection } from './libraries';

const { BLOB_STRING, SIMPLE_STRING } = redis6.RESP_TYPES;

let single: RunningRedis;
let cluster: RunningRedisCluster;
let sentinel: RunningRedisSentinel;

beforeAll(async () => {
  single = await startRedis();
  cluster = await startRedisCluster({ replicasPerMaster: 0 });
  sentinel = await startRedisSentinel();
});

afterAll(async () => {
  await Promise.all([single?.stop(), cluster?.stop(), sentinel?.stop()]);
});

/** The optional methods of this adapter's clients. */
const CAPABILITIES = ['exists', 'extendTtl', 'releasesData', 'isTransient', 'describe'] as const;

describeClientContract('redis 6, keyPrefix', CAPABILITIES, async () => ({
  ...(await connect(redis6.createClient({ url: single.url, keyPrefix: 'app:' }))),
  backDoor: await openBackDoor(single.url, 'app:'),
}));

describe.each(LIBRARIES)('%s', (_, { createClient, createClientPool, createCluster, createSentinel }) => {
  describe.each<[shape: string, create: () => Connection, openDoor: () => Promise<BackDoor>]>([
    ['RESP2', () => createClient({ url: single.url, RESP: 2 }), () => openBackDoor(single.url)],
    ['RESP3', () => createClient({ url: single.url, RESP: 3 }), () => openBackDoor(single.url)],
    [
      'pool',
      // The size is fixed, because a pool of node-redis 5 throws if it is destroyed while it grows.
      () => createClientPool({ url: single.url }, { minimum: 4, maximum: 4 }),
      () => openBackDoor(single.url),
    ],
    [
      'client-side cache',
      () => createClient({ url: single.url, RESP: 3, clientSideCache: { ttl: 0, maxEntries: 1000 } }),
      () => openBackDoor(single.url),
    ],
    [
      'cluster',
      () => createCluster({ rootNodes: cluster.nodes.map(({ url }) => ({ url })) }),
      () => openClusterBackDoor(cluster.nodes[0]!.url),
    ],
    [
      'sentinel',
      () => createSentinel({ name: sentinel.name, sentinelRootNodes: sentinel.sentinels }),
      () => openBackDoor(sentinel.nodes[0]!.url),
    ],
    [
      'type mapping to strings',
      () =>
        createClient({
          url: single.url,
          commandOptions: { typeMapping: { [BLOB_STRING]: String, [SIMPLE_STRING]: Buffer } },
        }),
      () => openBackDoor(single.url),
    ],
    [
      'type mapping to Buffers',
      () => createClient({ url: single.url }).withTypeMapping({ [BLOB_STRING]: Buffer, [SIMPLE_STRING]: Buffer }),
      () => openBackDoor(single.url),
    ],
  ])('%s', (shape, create, openDoor) => {
    describeClientContract(shape, CAPABILITIES, async () => ({
      ...(await connect(create())),
      backDoor: await openDoor(),
    }));

    it("does not change the replies to the caller's own commands", async () => {
      const redis = create();
      const connected = await connect(redis);
      try {
        const key = randomUUID();
        await connected.client.setIfAbsent(key, Buffer.from('value'));
        await connected.client.get(key);

        const value = await redis.get(key);

        expect(value).toEqual(shape === 'type mapping to Buffers' ? Buffer.from('value') : 'value');
      } finally {
        await connected.close();
      }
    });
  });
});
