import { startTogether, type Running } from './start-together';
import { findFreeClusterPort, retryTakenPort } from './port';
import { startRedis, type RunningRedis } from './redis';
import { connectAll, disconnectAll, type RedisConnection } from './redis-connection';
import { waitUntil } from '../wait-until';

/** Options of {@link startRedisCluster}. */
export interface RedisClusterOptions {
  /** Defaults to 3. A cluster of one also serves clients that don't support clusters. */
  masters?: number;
  /** Defaults to 1. A cluster without replicas forms sooner. */
  replicasPerMaster?: number;
}

/** A Redis Cluster that is running. */
export interface RunningRedisCluster extends Running {
  /** The nodes that started as masters, then the replicas. */
  nodes: RunningRedis[];
}

const SLOTS = 16_384;
const SETTINGS = {
  'cluster-enabled': 'yes',
  'cluster-announce-ip': '127.0.0.1',
  'cluster-node-timeout': '5000',
  // Replicas sync immediately instead of after five seconds, and clients see them once the master has pinged them.
  'repl-diskless-sync-delay': '0',
  'repl-ping-replica-period': '1',
};

/** Starts a Redis Cluster of masters and their replicas, and waits until every node agrees that it is up. */
export async function startRedisCluster({
  masters = 3,
  replicasPerMaster = 1,
}: RedisClusterOptions = {}): Promise<RunningRedisCluster> {
  const size = masters * (1 + replicasPerMaster);
  return startTogether(async (track) => {
    const nodes = await Promise.all(Array.from({ length: size }, () => track(retryTakenPort(startNode))));
    await formCluster(nodes, masters);
    return { nodes };
  });
}

async function startNode(): Promise<RunningRedis> {
  const args = Object.entries(SETTINGS).flatMap(([name, value]) => [`--${name}`, value]);
  return startRedis({ port: await findFreeClusterPort(), args });
}

/** Uses only commands that Redis 6.2 and Valkey also have. */
async function formCluster(nodes: RunningRedis[], masters: number): Promise<void> {
  const connections = await connectAll(nodes);
  try {
    await assignSlots(connections.slice(0, masters));
    await meetNodes(nodes, connections);
    await assignReplicas(connections, masters);
    await waitUntil('the Redis Cluster is up', connections, (connection) => isUp(connection, nodes.length));
  } finally {
    disconnectAll(connections);
  }
}

async function assignSlots(masters: RedisConnection[]): Promise<void> {
  const slots = Array.from({ length: SLOTS }, (_, slot) => slot);
  const share = Math.ceil(SLOTS / masters.length);
  await Promise.all(
    masters.map((master, index) => master.clusterAddSlots(slots.slice(index * share, (index + 1) * share))),
  );
}

async function meetNodes(nodes: RunningRedis[], connections: RedisConnection[]): Promise<void> {
  // With different epochs, the masters don't have to resolve a conflict first.
  await Promise.all(connections.map((connection, index) => connection.clusterSetConfigEpoch(index + 1)));
  for (const { host, port } of nodes.slice(1)) await connections[0]!.clusterMeet(host, port);
  await waitUntil('all nodes of the Redis Cluster know each other', connections, async (connection) => {
    const known = await connection.clusterNodes();
    return known.trim().split('\n').length === nodes.length && !known.includes('handshake');
  });
}

async function assignReplicas(connections: RedisConnection[], masters: number): Promise<void> {
  const ids = await Promise.all(connections.map((connection) => connection.clusterMyId()));
  const replicas = connections.slice(masters);
  await Promise.all(replicas.map((replica, index) => replica.clusterReplicate(ids[index % masters]!)));
}

/** Whether a node reports the cluster as healthy, knows every other node, and is in sync if it is a replica. */
async function isUp(connection: RedisConnection, size: number): Promise<boolean> {
  const [state, shards, replication] = await Promise.all([
    connection.clusterInfo(),
    connection.clusterSlots(),
    connection.info('replication'),
  ]);
  const known = shards.reduce((count, { replicas }) => count + 1 + replicas.length, 0);
  return state.includes('cluster_state:ok') && known === size && !replication.includes('master_link_status:down');
}
