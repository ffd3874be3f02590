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

describe.each(LIBRARIES)('%s', (_, { createClient, createCluster, createSentinel }) => {
  describeReplicaReads('cluster', async () => {
    const rootNodes = cluster.nodes.map(({ url }) => ({ url }));
    return { ...(await connect(createCluster({ rootNodes, useReplicas: true }))), nodes: cluster.nodes };
  });

  describeReplicaReads('sentinel', async () => {
    const { name, sentinels, nodes } = sentinel;
    const redis = createSentinel({ name, sentinelRootNodes: sentinels, replicaPoolSize: 1 });
    return { ...(await connect(redis)), nodes };
  });

  describeUnconfirmedMisses('client', (url) => connect(createClient({ url })));
});
