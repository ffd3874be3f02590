import { randomUUID } from 'node:crypto';
import {
  describeReplicaReads,
  describeUnconfirmedMisses,
  startRedisCluster,
  startRedisSentinel,
  type RunningRedisCluster,
  type RunningRedisSentinel,
} from '@temporal-redis-storage/testing';
import { connect, LIBRARIES } from './libraries';

let cluster: RunningRedisCluster;
let sentinel: RunningRedisSentinel;

beforeAll(async () => {
  cluster = await startRedisCluster();
  sentinel = await startRedisSentinel();
});

afterAll(async () => {
  await Promise.all([cluster?.stop(), sentinel?.stop()]);
});

describe.each(LIBRARIES)('%s', (_, { default: Redis, Cluster }) => {
  describe.each([
    { scaleReads: 'slave', enableAutoPipelining: false },
    { scaleReads: 'all', enableAutoPipelining: true },
  ] as const)('%j', (options) => {
    describeReplicaReads('Cluster', async () => ({
      ...(await connect(new Cluster(cluster.nodes, options))),
      nodes: cluster.nodes,
    }));
  });

  describeUnconfirmedMisses('Redis', (url) => connect(new Redis(url)));

  it('get rejects with READONLY after a miss on a replica that a sentinel chose', async () => {
    const { name, sentinels } = sentinel;
    const connected = await connect(new Redis({ name, sentinels, role: 'slave' }));
    try {
      await expect(connected.client.get(randomUUID())).rejects.toThrow('READONLY');
    } finally {
      await connected.close();
    }
  });
});
