import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { RedisStorageDriver, RedisStorageDriverError } from '@temporal-redis-storage/core';
import {
  startRedisCluster,
  startRedisSentinel,
  type RedisAddress,
  type RunningRedisCluster,
  type RunningRedisSentinel,
} from '@temporal-redis-storage/testing';
import { countReplicaMisses } from '../../../testing/src/servers/replication';
import { CLUSTER_CLIENTS, openIoredis, SENTINEL_CLIENTS, SERVER_CLIENTS, type OpenClient } from '../client-shapes';
import { waitForFinalOutcome, getOutcome, storeRandom, type Stored } from './outcomes';
import { proxyCluster, proxySentinelGroup, type ProxiedReplication } from './replication-proxies';

const LAG_MS = 5000;
const LOOPS = 3;
const SIZES = [1000, 30_000, 300_000];
const PAUSE_MS = 50;

/** The results of reading payloads as soon as they were stored. */
interface LagResult {
  stored: Stored[];
  outcomes: unknown[];
  /** Number of reads at replicas that did not have the payload yet. */
  misses: number;
}

const clients: OpenClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

async function createDriver(opening: Promise<OpenClient>): Promise<RedisStorageDriver> {
  const open = await opening;
  clients.push(open);
  return new RedisStorageDriver({ client: open.client, keyPrefix: `test:${randomUUID()}` });
}

/** Stores with one driver while replication is paused, and reads each payload at once with another. */
async function storeAndReadDuringLag(
  nodes: RedisAddress[],
  replication: ProxiedReplication,
  writer: RedisStorageDriver,
  reader: RedisStorageDriver,
): Promise<LagResult> {
  const stored: Stored[] = [];
  const reads: Promise<unknown>[] = [];
  const end = Date.now() + LAG_MS;
  const runLoop = async (): Promise<void> => {
    while (Date.now() < end) {
      const batch = await storeRandom(writer, SIZES);
      stored.push(...batch);
      reads.push(...batch.map((each) => getOutcome(reader, each)));
      await sleep(PAUSE_MS);
    }
  };
  await replication.waitUntilInSync();
  const missesBefore = await countReplicaMisses(nodes);
  replication.pause();
  try {
    await Promise.all(Array.from({ length: LOOPS }, runLoop));
    const outcomes = await Promise.all(reads);
    return { stored, outcomes, misses: (await countReplicaMisses(nodes)) - missesBefore };
  } finally {
    replication.resume();
  }
}

function isReadOnly(outcome: unknown): boolean {
  return outcome instanceof RedisStorageDriverError && String(outcome.cause).includes('READONLY');
}

describe('on a Cluster whose replication lags by seconds', () => {
  let cluster: RunningRedisCluster;
  let replication: ProxiedReplication;

  beforeAll(async () => {
    cluster = await startRedisCluster();
    replication = await proxyCluster(cluster);
  });

  afterAll(async () => {
    await replication?.stop();
    await cluster?.stop();
  });

  it.each([
    ['node-redis', 'ioredis, reading from replicas'],
    ['ioredis', 'node-redis, reading from replicas'],
  ])('payloads stored by %s are readable at once by %s', async (writing, reading) => {
    const writer = await createDriver(CLUSTER_CLIENTS[writing]!(cluster.nodes[0]!));
    const reader = await createDriver(CLUSTER_CLIENTS[reading]!(cluster.nodes[0]!));

    const { outcomes, misses } = await storeAndReadDuringLag(cluster.nodes, replication, writer, reader);

    expect(outcomes.filter((outcome) => outcome !== 'read')).toEqual([]);
    // node-redis sends every other read to the master.
    expect(misses).toBeGreaterThan(outcomes.length / 4);
  });
});

/** Clients that only connect to a replica. */
const REPLICA_CLIENTS: Record<string, (servers: RunningRedisSentinel) => Promise<OpenClient>> = {
  'node-redis, connected to a replica': ({ nodes }) => SERVER_CLIENTS['node-redis']!(nodes[1]!),
  'ioredis, connected to a replica by sentinels': async ({ name, sentinels }) =>
    openIoredis(new Redis({ name, sentinels, role: 'slave' })),
};

describe('in a Sentinel group whose replication lags by seconds', () => {
  let servers: RunningRedisSentinel;
  let replication: ProxiedReplication;

  beforeAll(async () => {
    servers = await startRedisSentinel();
    replication = await proxySentinelGroup(servers, { failoverTimeoutMs: 300_000 });
  });

  afterAll(async () => {
    await replication?.stop();
    await servers?.stop();
  });

  it('payloads stored by ioredis are readable at once by node-redis, reading from replicas', async () => {
    const writer = await createDriver(SENTINEL_CLIENTS['ioredis']!(servers));
    const reader = await createDriver(SENTINEL_CLIENTS['node-redis, reading from replicas']!(servers));

    const { outcomes, misses } = await storeAndReadDuringLag(servers.nodes, replication, writer, reader);

    expect(outcomes.filter((outcome) => outcome !== 'read')).toEqual([]);
    expect(misses).toBeGreaterThan(outcomes.length / 2);
  });

  it.each(Object.keys(REPLICA_CLIENTS))(
    'a payload that is not replicated yet is a transient error, not a miss: %s',
    async (reading) => {
      const writer = await createDriver(SENTINEL_CLIENTS['node-redis']!(servers));
      const reader = await createDriver(REPLICA_CLIENTS[reading]!(servers));

      const { stored, outcomes, misses } = await storeAndReadDuringLag(servers.nodes, replication, writer, reader);

      expect(outcomes.filter((outcome) => !isReadOnly(outcome))).toEqual([]);
      expect(misses).toBeGreaterThan(outcomes.length / 2);
      const later = await Promise.all(stored.map((each) => waitForFinalOutcome(reader, each)));
      expect(later.filter((outcome) => outcome !== 'read')).toEqual([]);
    },
  );
});
