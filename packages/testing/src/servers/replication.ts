import type { RedisAddress } from './redis';
import { connectAll, disconnectAll, type RedisConnection } from './redis-connection';
import { waitUntil } from '../wait-until';

/**
 * Disconnects all replicas among these nodes from their primaries. They still serve the data that they have, and get no
 * new data until {@link resumeReplication}.
 */
export async function holdReplication(nodes: RedisAddress[]): Promise<void> {
  await runOnEach(nodes, async (connections) => {
    for (const connection of connections) {
      await connection.aclSetUser('default', ['-psync', '-sync']);
      await connection.sendCommand(['CLIENT', 'KILL', 'TYPE', 'replica']);
    }
    await waitUntil(
      'the replicas are disconnected',
      connections,
      async (each) => !(await readInfo(each)).includes(LINK_IS_UP),
    );
  });
}

/** Lets the replicas catch up, and waits until they are linked to their primaries again. */
export async function resumeReplication(nodes: RedisAddress[]): Promise<void> {
  await runOnEach(nodes, async (connections) => {
    for (const connection of connections) await connection.aclSetUser('default', ['+psync', '+sync']);
    await waitUntil('the replicas are linked', connections, async (each) => {
      const info = await readInfo(each);
      return info.includes('role:master') || info.includes(LINK_IS_UP);
    });
  });
}

/** The number of misses (`keyspace_misses`) at the replicas among these nodes. */
export async function countReplicaMisses(nodes: RedisAddress[]): Promise<number> {
  let misses = 0;
  await runOnEach(nodes, async (connections) => {
    for (const connection of connections) {
      const info = await readInfo(connection);
      if (info.includes('role:slave')) misses += Number(/^keyspace_misses:(\d+)/m.exec(info)![1]);
    }
  });
  return misses;
}

const LINK_IS_UP = 'master_link_status:up';

async function readInfo(connection: RedisConnection): Promise<string> {
  return (await connection.info('replication')) + (await connection.info('stats'));
}

async function runOnEach(nodes: RedisAddress[], use: (connections: RedisConnection[]) => Promise<void>): Promise<void> {
  const connections = await connectAll(nodes);
  try {
    await use(connections);
  } finally {
    disconnectAll(connections);
  }
}
