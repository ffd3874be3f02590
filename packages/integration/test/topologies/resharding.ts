import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisAddress } from '../../../testing/src/servers/redis';
import { connectAll, disconnectAll, type RedisConnection } from '../../../testing/src/servers/redis-connection';
import { waitUntil } from '../../../testing/src/wait-until';

const KEYS_PER_STEP = 10;
const MIGRATE_TIMEOUT_MS = 5000;

/**
 * Moves the slot of a key, with all its keys, to the next master of a cluster, a few keys at a time, as
 * `redis-cli --cluster reshard` does. `duringMove` runs after the move has begun and before any key is moved.
 */
export async function moveSlot(
  masters: RedisAddress[],
  key: string,
  duringMove: () => Promise<void> = async () => {},
): Promise<void> {
  const connections = await connectAll(masters);
  try {
    const slot = await connections[0]!.clusterKeySlot(key);
    const owner = await findOwner(slot, connections[0]!);
    const from = masters.findIndex(({ port }) => port === owner);
    const to = (from + 1) % masters.length;
    const [source, target] = [connections[from]!, connections[to]!];
    const [sourceId, targetId] = await Promise.all([source.clusterMyId(), target.clusterMyId()]);
    await target.clusterSetSlot(slot, 'IMPORTING', sourceId);
    await source.clusterSetSlot(slot, 'MIGRATING', targetId);
    await duringMove();
    await moveKeys(slot, source, masters[to]!);
    // The target is updated first, so that the slot always has an owner.
    for (const connection of new Set([target, source, ...connections])) {
      await connection.clusterSetSlot(slot, 'NODE', targetId);
    }
  } finally {
    disconnectAll(connections);
  }
}

async function moveKeys(slot: number, source: RedisConnection, target: RedisAddress): Promise<void> {
  for (;;) {
    const keys = await source.clusterGetKeysInSlot(slot, KEYS_PER_STEP);
    if (keys.length === 0) return;
    await source.migrate(target.host, target.port, keys, 0, MIGRATE_TIMEOUT_MS);
    await sleep(10);
  }
}

/** Waits until all nodes, including replicas, agree on the owner of a key's slot. */
export async function waitUntilAgreed(nodes: RedisAddress[], key: string): Promise<void> {
  const connections = await connectAll(nodes);
  try {
    const slot = await connections[0]!.clusterKeySlot(key);
    await waitUntil('the nodes agree on the owner of a slot', [slot], async () => {
      const owners = await Promise.all(connections.map((connection) => findOwner(slot, connection)));
      return new Set(owners).size === 1;
    });
  } finally {
    disconnectAll(connections);
  }
}

/** Returns the port of the master that owns a slot, according to a node. */
async function findOwner(slot: number, node: RedisConnection): Promise<number> {
  const ranges = await node.clusterSlots();
  return ranges.find(({ from, to }) => from <= slot && slot <= to)!.master.port;
}

/** Counts the ASK and MOVED redirections that these nodes have sent. */
export async function countRedirections(nodes: RedisAddress[]): Promise<{ ASK: number; MOVED: number }> {
  const connections = await connectAll(nodes);
  try {
    const stats = (await Promise.all(connections.map((connection) => connection.info('errorstats')))).join('\n');
    const count = (name: string): number =>
      [...stats.matchAll(new RegExp(`^errorstat_${name}:count=(\\d+)`, 'gm'))].reduce(
        (sum, [, n]) => sum + Number(n),
        0,
      );
    return { ASK: count('ASK'), MOVED: count('MOVED') };
  } finally {
    disconnectAll(connections);
  }
}
