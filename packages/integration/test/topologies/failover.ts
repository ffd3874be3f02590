import type { RedisAddress, RunningRedisSentinel } from '@temporal-redis-storage/testing';
import { connectAll, disconnectAll, type RedisConnection } from '../../../testing/src/servers/redis-connection';
import { waitUntil } from '../../../testing/src/wait-until';

/** Makes the nodes refuse writes without a replica that follows: of three nodes one at most takes writes. */
export async function requireFollower(nodes: RedisAddress[]): Promise<void> {
  for (const node of nodes) await ask(node, (connection) => connection.configSet('min-replicas-to-write', '1'));
}

/** Has the sentinels put a replica in the master's place. Resolves to it once all others follow it, ten seconds later. */
export async function demoteMaster(servers: RunningRedisSentinel): Promise<RedisAddress> {
  await ask(servers.sentinels[0]!, (sentinel) => sentinel.sendCommand(['SENTINEL', 'FAILOVER', servers.name]));
  return findSuccessor(servers, servers.nodes.length - 1);
}

/** Kills the master. Resolves to the replica that takes its place once all others follow it. */
export async function killMaster(servers: RunningRedisSentinel): Promise<RedisAddress> {
  process.kill(servers.nodes[0]!.pid, 'SIGKILL');
  return findSuccessor(servers, servers.nodes.length - 2);
}

async function findSuccessor(
  { name, sentinels, nodes }: RunningRedisSentinel,
  followers: number,
): Promise<RedisAddress> {
  let master: RedisAddress = nodes[0]!;
  await ask(sentinels[0]!, (sentinel) =>
    waitUntil('there is a new master', [sentinel], async () => {
      const [host, port] = await sentinel.sendCommand<string[]>(['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name]);
      master = { host: host!, port: Number(port) };
      return master.port !== nodes[0]!.port;
    }),
  );
  await ask(master, (connection) =>
    waitUntil('all replicas follow the new master', [connection], async () =>
      (await connection.info('replication')).includes(`connected_slaves:${followers}\r\n`),
    ),
  );
  return master;
}

async function ask(address: RedisAddress, question: (connection: RedisConnection) => Promise<unknown>): Promise<void> {
  const connections = await connectAll([address]);
  try {
    await question(connections[0]!);
  } finally {
    disconnectAll(connections);
  }
}
