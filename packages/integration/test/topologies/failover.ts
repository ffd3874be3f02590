import type { RedisAddress, RunningRedisSentinel } from '@temporal-redis-storage/testing';
import { connectAll, disconnectAll, type RedisConnection } from '../../../testing/src/servers/redis-connection';
import { waitUntil } from '../../../testing/src/wait-until';

/** Makes nodes without a replica reject writes, so that at most one of three nodes accepts them. */
export async function requireReplica(nodes: RedisAddress[]): Promise<void> {
  for (const node of nodes)
    await withConnection(node, (connection) => connection.configSet('min-replicas-to-write', '1'));
}

/** Makes the sentinels promote a replica. Resolves to it once all others follow it, after about ten seconds. */
export async function demoteMaster(servers: RunningRedisSentinel): Promise<RedisAddress> {
  await withConnection(servers.sentinels[0]!, (sentinel) =>
    sentinel.sendCommand(['SENTINEL', 'FAILOVER', servers.name]),
  );
  return findSuccessor(servers, servers.nodes.length - 1);
}

/** Kills the master. Resolves to the promoted replica once all others follow it. */
export async function killMaster(servers: RunningRedisSentinel): Promise<RedisAddress> {
  process.kill(servers.nodes[0]!.pid, 'SIGKILL');
  return findSuccessor(servers, servers.nodes.length - 2);
}

async function findSuccessor(
  { name, sentinels, nodes }: RunningRedisSentinel,
  followers: number,
): Promise<RedisAddress> {
  let master: RedisAddress = nodes[0]!;
  await withConnection(sentinels[0]!, (sentinel) =>
    waitUntil('there is a new master', [sentinel], async () => {
      const [host, port] = await sentinel.sendCommand<string[]>(['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name]);
      master = { host: host!, port: Number(port) };
      return master.port !== nodes[0]!.port;
    }),
  );
  await withConnection(master, (connection) =>
    waitUntil('all replicas follow the new master', [connection], async () =>
      (await connection.info('replication')).includes(`connected_slaves:${followers}\r\n`),
    ),
  );
  return master;
}

async function withConnection(
  address: RedisAddress,
  use: (connection: RedisConnection) => Promise<unknown>,
): Promise<void> {
  const connections = await connectAll([address]);
  try {
    await use(connections[0]!);
  } finally {
    disconnectAll(connections);
  }
}
