import { createClient, createCluster } from 'redis';
import { startRedisCluster, type RunningRedisCluster } from '../src/servers/redis-cluster';
import { isReachable } from './reachable';

describe('startRedisCluster', () => {
  let cluster: RunningRedisCluster | undefined;
  afterEach(async () => {
    await cluster?.stop();
  });

  it('starts three masters with a replica each, and every node knows all of them', async () => {
    cluster = await startRedisCluster();
    const ports = cluster.nodes.map(({ port }) => port);

    for (const { url } of cluster.nodes) {
      const client = createClient({ url });
      await client.connect();
      const shards = await client.clusterSlots();
      expect(shards.map(({ master }) => master.port)).toEqual(ports.slice(0, 3));
      expect(shards.map(({ replicas }) => replicas.map(({ port }) => port))).toEqual(
        ports.slice(3).map((port) => [port]),
      );
      client.destroy();
    }
  });

  it('starts without replicas, accepts commands on every slot, and ends on stop', async () => {
    cluster = await startRedisCluster({ replicasPerMaster: 0 });
    const client = createCluster({ rootNodes: [{ url: cluster.nodes[0]!.url }] });
    await client.connect();

    const keys = Array.from({ length: 20 }, (_, index) => `key ${index}`);
    await Promise.all(keys.map((key) => client.set(key, key)));
    expect(await Promise.all(keys.map((key) => client.get(key)))).toEqual(keys);
    client.destroy();

    await cluster.stop();
    expect(await Promise.all(cluster.nodes.map(isReachable))).toEqual([false, false, false]);
  });
});
