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

/** Replication that goes through proxies. */
export interface ProxiedReplication extends Running {
  /** One before each master. */
  proxies: FaultProxy[];
  /** From now on the replicas get nothing, although they stay connected. */
  hold(): void;
  /** Lets the replicas have what was held back, and all that follows. */
  resume(): void;
  /** Resolves once the replicas have all that their masters have. */
  inStep(): Promise<void>;
}

/** Puts a proxy before each master of a cluster. Clients go through it too, but are never held back. */
export async function proxyCluster({ nodes }: RunningRedisCluster): Promise<ProxiedReplication> {
  const masters = nodes.slice(0, nodes.length / 2);
  return startTogether(async (keep) => {
    const proxies = await Promise.all(masters.map((master) => keep(startFaultProxy(master))));
    const ports = proxies.map(({ port }) => port);
    const replication = proxyReplication(proxies, masters, nodes.slice(masters.length));
    await withConnections(nodes, async (connections) => {
      for (const [i, port] of ports.entries()) await connections[i]!.configSet('cluster-announce-port', String(port));
      await waitUntil('the nodes know the proxies', connections, async (connection) => {
        const ranges = await connection.clusterSlots();
        return ranges.every(({ master }) => ports.includes(master.port));
      });
    });
    await replication.inStep();
    return replication;
  });
}

/**
 * Has the replicas of a Sentinel group copy their master through a proxy. To the sentinels that is a mistake, which
 * they mend once it has lasted for the time that they give a failover: ten seconds, unless told otherwise.
 */
export async function proxySentinelGroup(
  { name, sentinels, nodes: [master, ...replicas] }: RunningRedisSentinel,
  { failoverTimeoutMs }: { failoverTimeoutMs?: number } = {},
): Promise<ProxiedReplication> {
  return startTogether(async (keep) => {
    const proxy = await keep(startFaultProxy(master!));
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
    await replication.inStep();
    return replication;
  });
}

function proxyReplication(
  proxies: FaultProxy[],
  masters: RedisAddress[],
  replicas: RedisAddress[],
): Omit<ProxiedReplication, 'stop'> {
  const toReplicas = new WeakSet<FaultyLink>();
  const noticeReplicas: Fault = async function* (bytes, link) {
    if (bytes.includes('\r\nPSYNC\r\n')) toReplicas.add(link);
    yield bytes;
  };
  const holdReplicas: Fault = (bytes, link, replaced) => (toReplicas.has(link) ? hold : pass)(bytes, link, replaced);
  for (const proxy of proxies) proxy.toServer = noticeReplicas;

  const ports = proxies.map(({ port }) => port);
  return {
    proxies,
    hold() {
      for (const proxy of proxies) proxy.toClient = holdReplicas;
    },
    resume() {
      for (const proxy of proxies) proxy.toClient = pass;
    },
    async inStep() {
      await withConnections([...masters, ...replicas], async (connections) => {
        const pairs = connections.slice(masters.length).map((replica, i) => ({
          replica,
          master: connections[i % masters.length]!,
        }));
        await waitUntil('the replicas are in step through the proxies', pairs, async ({ replica, master }) => {
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
