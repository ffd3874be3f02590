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
import { connect, LIBRARIES, type Connection } from './libraries';

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

describe.each(LIBRARIES)('%s', (_, { default: Redis, Cluster }) => {
  describe.each<[shape: string, create: () => Connection, openDoor: () => Promise<BackDoor>]>([
    ['Redis', () => new Redis(single.url), () => openBackDoor(single.url)],
    ['autopipelining', () => new Redis(single.url, { enableAutoPipelining: true }), () => openBackDoor(single.url)],
    ['lazyConnect', () => new Redis(single.url, { lazyConnect: true }), () => openBackDoor(single.url)],
    ['RESP2', () => new Redis(single.url, { protocol: 2 }), () => openBackDoor(single.url)],
    ['keyPrefix', () => new Redis(single.url, { keyPrefix: 'app:' }), () => openBackDoor(single.url, 'app:')],
    [
      'options that change other replies',
      () => new Redis(single.url, { replyMapping: 'resp3', stringNumbers: true, showFriendlyErrorStack: true }),
      () => openBackDoor(single.url),
    ],
    ['Cluster', () => new Cluster(cluster.nodes), () => openClusterBackDoor(cluster.nodes[0]!.url)],
    [
      'Cluster, autopipelining and keyPrefix',
      () => new Cluster(cluster.nodes, { enableAutoPipelining: true, keyPrefix: 'app:' }),
      () => openClusterBackDoor(cluster.nodes[0]!.url, 'app:'),
    ],
    [
      'sentinel',
      () => new Redis({ name: sentinel.name, sentinels: sentinel.sentinels }),
      () => openBackDoor(sentinel.nodes[0]!.url),
    ],
  ])('%s', (shape, create, openDoor) => {
    describeClientContract(shape, CAPABILITIES, async () => ({
      ...(await connect(create())),
      backDoor: await openDoor(),
    }));
  });
});
