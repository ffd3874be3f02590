import { startTogether, type Running } from './start-together';
import { retryTakenPort } from './port';
import { startRedis, type RedisAddress, type RunningRedis } from './redis';
import { connectAll, disconnectAll } from './redis-connection';
import { startSentinel } from './sentinel';
import { waitUntil } from '../wait-until';

/** Options of {@link startRedisSentinel}. */
export interface RedisSentinelOptions {
  /** Defaults to 1. */
  replicas?: number;
}

/** A master and its replicas, monitored by three sentinels. */
export interface RunningRedisSentinel extends Running {
  /** The name by which the sentinels know the master. */
  name: string;
  sentinels: RedisAddress[];
  /** The node that started as master, then its replicas. */
  nodes: RunningRedis[];
}

const NAME = 'mymaster';
const SENTINELS = 3;
// Replicas sync immediately instead of after five seconds.
const NODE_ARGS = ['--repl-diskless-sync-delay', '0'];

/** Starts a master, its replicas and three sentinels, and waits until they work together. */
export async function startRedisSentinel({ replicas = 1 }: RedisSentinelOptions = {}): Promise<RunningRedisSentinel> {
  return startTogether(async (track) => {
    const master = await track(startRedis({ args: NODE_ARGS }));
    const replicaArgs = [...NODE_ARGS, '--replicaof', master.host, String(master.port)];
    const followers = await Promise.all(
      Array.from({ length: replicas }, () => track(startRedis({ args: replicaArgs }))),
    );
    const sentinels = await Promise.all(
      Array.from({ length: SENTINELS }, () => track(retryTakenPort(() => startSentinel(NAME, master)))),
    );
    await waitUntilFormed(followers, sentinels);
    return {
      name: NAME,
      sentinels: sentinels.map(({ host, port }) => ({ host, port })),
      nodes: [master, ...followers],
    };
  });
}

async function waitUntilFormed(replicas: RedisAddress[], sentinels: RedisAddress[]): Promise<void> {
  const connections = await connectAll([...replicas, ...sentinels]);
  try {
    await waitUntil('the replicas are in sync', connections.slice(0, replicas.length), async (replica) =>
      (await replica.info('replication')).includes('master_link_status:up'),
    );
    await waitUntil('the sentinels know each other', connections.slice(replicas.length), async (sentinel) => {
      const info = await sentinel.info('sentinel');
      return info.includes('status=ok') && info.includes(`slaves=${replicas.length},sentinels=${sentinels.length}`);
    });
  } finally {
    disconnectAll(connections);
  }
}
