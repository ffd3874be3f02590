import {
  hold,
  pass,
  startFaultProxy,
  type Fault,
  type FaultProxy,
  type FaultyLink,
  type RedisAddress,
  type RunningRedisCluster,
  type RunningRedisSentinel,
} from '@temporal-redis-storage/testing';
import { startTogether, type Running } from '../../../testing/src/servers/start-together';
import { connectAll, disconnectAll, type RedisConnection } from '../../../testing/src/servers/redis-connection';
import { waitUntil } from '../../../testing/src/wait-until';

/** Replication through proxies. */
export interface ProxiedReplication extends Running {
  /** The proxy of each master. */
  proxies: FaultProxy[];
  /** Stops sending data to the replicas, which stay connected. */
  pause(): void;
  /** Sends the replicas the delayed data and everything after it. */
  resume(): void;
  /** Resolves once the replicas have all data of their masters. */
  waitUntilInSync(): Promise<void>;
}

/** Puts a proxy in front of each master of a cluster. Clients use it too, but are never delayed. */
export async function proxyCluster({ nodes }: RunningRedisCluster): Promise<ProxiedReplication> {
  const masters = nodes.slice(0, nodes.length / 2);
  return startTogether(async (track) => {
    const proxies = await Promise.all(masters.map((master) => track(startFaultProxy(master))));
    const ports = proxies.map(({ port }) => port);
    const replication = proxyReplication(proxies, masters, nodes.slice(masters.length));
    await withConnections(nodes, async (connections) => {
      for (const [i, port] of ports.entries()) await connections[i]!.configSet('cluster-announce-port', String(port));
      await waitUntil('the nodes know the proxies', connections, async (connection) => {
        const ranges = await connection.clusterSlots();
        return ranges.every(({ master }) => ports.includes(master.port));
      });
    });
    await replication.waitUntilInSync();
    return replication;
  });
}

/**
 * Makes the replicas of a Sentinel group copy their master through a proxy. The sentinels correct this after their
 * failover timeout, which is ten seconds unless `failoverTimeoutMs` is set.
 */
export async function proxySentinelGroup(
  { name, sentinels, nodes: [master, ...replicas] }: RunningRedisSentinel,
  { failoverTimeoutMs }: { failoverTimeoutMs?: number } = {},
): Promise<ProxiedReplication> {
  return startTogether(async (track) => {
    const proxy = await track(startFaultProxy(master!));
    const replication = proxyReplication([proxy], [master!], replicas);
    if (failoverTimeoutMs !== undefined) {
      const setting = ['SENTINEL', 'SET', name, 'failover-timeout', String(failoverTimeoutMs)];
      await withConnections(sentinels, (connections) =>
        Promise.all(connections.map((each) => each.sendCommand(setting))),
      );
    }
    await withConnections(replicas, (connections) =>
      Promise.all(connections.map((replica) => replica.replicaOf(proxy.host, proxy.port))),
    );
    await replication.waitUntilInSync();
    return replication;
  });
}

function proxyReplication(
  proxies: FaultProxy[],
  masters: RedisAddress[],
  replicas: RedisAddress[],
): Omit<ProxiedReplication, 'stop'> {
  const toReplicas = new WeakSet<FaultyLink>();
  const detectReplicas: Fault = async function* (bytes, link) {
    if (bytes.includes('\r\nPSYNC\r\n')) toReplicas.add(link);
    yield bytes;
  };
  const holdReplicas: Fault = (bytes, link, replaced) => (toReplicas.has(link) ? hold : pass)(bytes, link, replaced);
  for (const proxy of proxies) proxy.toServer = detectReplicas;

  const ports = proxies.map(({ port }) => port);
  return {
    proxies,
    pause() {
      for (const proxy of proxies) proxy.toClient = holdReplicas;
    },
    resume() {
      for (const proxy of proxies) proxy.toClient = pass;
    },
    async waitUntilInSync() {
      await withConnections([...masters, ...replicas], async (connections) => {
        const pairs = connections.slice(masters.length).map((replica, i) => ({
          replica,
          master: connections[i % masters.length]!,
        }));
        await waitUntil('the replicas are in sync through the proxies', pairs, async ({ replica, master }) => {
          const [info, masterInfo] = [await readInfo(replica), await readInfo(master)];
          return (
            ports.includes(Number(info['master_port'])) &&
            info['master_link_status'] === 'up' &&
            info['master_repl_offset'] === masterInfo['master_repl_offset']
          );
        });
      });
    },
  };
}

async function readInfo(connection: RedisConnection): Promise<Record<string, string>> {
  const info = await connection.info('replication');
  return Object.fromEntries([...info.matchAll(/^(\w+):(.*)\r$/gm)].map(([, name, value]) => [name!, value!]));
}

async function withConnections(
  addresses: RedisAddress[],
  use: (connections: RedisConnection[]) => Promise<unknown>,
): Promise<void> {
  const connections = await connectAll(addresses);
  try {
    await use(connections);
  } finally {
    disconnectAll(connections);
  }
}
