import { randomUUID } from 'node:crypto';
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import {
  openBackDoor,
  openClusterBackDoor,
  startRedisCluster,
  startRedisSentinel,
  type BackDoor,
  type RedisAddress,
  type RunningRedisCluster,
} from '@temporal-redis-storage/testing';
import { connectAll, disconnectAll } from '../../../testing/src/servers/redis-connection';
import { waitUntil } from '../../../testing/src/wait-until';
import { cleanUpAfterEach } from '@temporal-redis-storage/testing';
import { CLUSTER_CLIENTS, SENTINEL_CLIENTS, type OpenClient } from '../client-shapes';
import { killMaster } from './failover';
import { waitForFinalOutcome, storeRandom, type Stored } from './outcomes';
import { proxyCluster, proxySentinelGroup, type ProxiedReplication } from './replication-proxies';

jest.setTimeout(120_000);

const SIZES = Array.from({ length: 30 }, (_, i) => 1000 + 10_000 * i);

const { keep, cleanUp } = cleanUpAfterEach();

async function openDrivers(opening: Promise<OpenClient>[]): Promise<RedisStorageDriver[]> {
  const opened = await Promise.all(opening);
  cleanUp(...opened.map((open) => () => open.close()));
  return opened.map(({ client }) => new RedisStorageDriver({ client, keyPrefix: `test:${randomUUID()}` }));
}

/** Servers that lose the writes of a replication lag when they fail over. */
interface LossFixture {
  replication: ProxiedReplication;
  drivers: RedisStorageDriver[];
  /** Fails over. Resolves to a connection for checking the remaining data. */
  failOver(): Promise<BackDoor>;
}

const FIXTURES = {
  'a Cluster in which a replica takes over': () => startCluster(takeOver),
  'a Cluster in which a master is killed': () => startCluster(killFirstMaster),
  'a Sentinel group in which the master is killed': startSentinelGroup,
};

async function startCluster(
  failOver: (cluster: RunningRedisCluster, replication: ProxiedReplication) => Promise<void>,
): Promise<LossFixture> {
  const cluster = keep(await startRedisCluster());
  const replication = keep(await proxyCluster(cluster));
  return {
    replication,
    drivers: await openDrivers(Object.values(CLUSTER_CLIENTS).map((open) => open(cluster.nodes[0]!))),
    async failOver() {
      await failOver(cluster, replication);
      return openClusterBackDoor(cluster.nodes[3]!.url);
    },
  };
}

async function startSentinelGroup(): Promise<LossFixture> {
  const servers = keep(await startRedisSentinel({ replicas: 2 }));
  return {
    drivers: await openDrivers(Object.values(SENTINEL_CLIENTS).map((open) => open(servers))),
    replication: keep(await proxySentinelGroup(servers)),
    async failOver() {
      const { host, port } = await killMaster(servers);
      return openBackDoor(`redis://${host}:${port}`);
    },
  };
}

/** Promotes the first master's replica without the agreement of the other nodes. */
async function takeOver({ nodes }: RunningRedisCluster): Promise<void> {
  const [replica] = await connectAll([nodes[3]!]);
  try {
    await replica!.clusterFailover({ mode: 'TAKEOVER' });
  } finally {
    disconnectAll([replica!]);
  }
  await waitForFailover(nodes[3]!, nodes);
}

async function killFirstMaster({ nodes }: RunningRedisCluster, { proxies }: ProxiedReplication): Promise<void> {
  process.kill(nodes[0]!.pid, 'SIGKILL');
  // Without its proxy, connections to the killed master fail.
  await proxies[0]!.stop();
  await waitForFailover(nodes[3]!, nodes.slice(1));
}

/** Resolves once these nodes see the given node as a master and serve all slots again. */
async function waitForFailover({ port }: RedisAddress, nodes: RedisAddress[]): Promise<void> {
  const connections = await connectAll(nodes);
  try {
    await waitUntil('the failover is over', connections, async (node) => {
      const [ranges, state, role] = await Promise.all([
        node.clusterSlots(),
        node.clusterInfo(),
        node.info('replication'),
      ]);
      return (
        ranges.some(({ master }) => master.port === port) &&
        state.includes('cluster_state:ok') &&
        !role.includes('master_link_status:down')
      );
    });
  } finally {
    disconnectAll(connections);
  }
}

describe.each(Object.entries(FIXTURES))('%s', (_, start) => {
  it('reports lost writes as misses and returns all other payloads unchanged', async () => {
    const fixture = await start();
    const { replication, drivers } = fixture;
    const copied = await storeByAll(drivers);
    await replication.waitUntilInSync();
    replication.pause();
    const late = await storeByAll(drivers);

    const [outcomesDuringFailover, backDoor] = await Promise.all([readByAll(drivers, late), fixture.failOver()]);
    cleanUp(() => backDoor.close());

    const expected = await Promise.all(late.map((stored) => determineOutcomes(stored, backDoor)));
    for (const each of expected) expect(each).toContain('PayloadNotFoundError');
    // Reads before the end of the failover may still have found the payloads.
    for (const [k, outcome] of outcomesDuringFailover.flat().entries())
      expect(['read', expected.flat()[k]]).toContain(outcome);
    expect(await readByAll(drivers, late)).toEqual(expected);
    expect(await readByAll(drivers, copied)).toEqual(copied.map((stored) => stored.map(() => 'read')));

    const payloads = late.map((stored) => stored.map(({ payload }) => payload));
    await Promise.all(drivers.map((driver, i) => driver.store({}, payloads[i]!)));
    expect(await readByAll(drivers, late)).toEqual(late.map((stored) => stored.map(() => 'read')));
  });
});

/** Stores payloads with each driver. */
function storeByAll(drivers: RedisStorageDriver[]): Promise<Stored[][]> {
  return Promise.all(drivers.map((driver) => storeRandom(driver, SIZES)));
}

/** Reads with each driver what it has stored, and resolves to the final outcomes. */
function readByAll(drivers: RedisStorageDriver[], stored: Stored[][]): Promise<unknown[][]> {
  const readAll = (driver: RedisStorageDriver, all: Stored[]): Promise<unknown[]> =>
    Promise.all(all.map((each) => waitForFinalOutcome(driver, each)));
  return Promise.all(drivers.map((driver, i) => readAll(driver, stored[i]!)));
}

/** Determines the expected outcome of each read by checking Redis directly. */
async function determineOutcomes(stored: Stored[], backDoor: BackDoor): Promise<string[]> {
  const values = await Promise.all(stored.map(({ claim }) => backDoor.read(claim.claimData['key']!)));
  return values.map((value) => (value === null ? 'PayloadNotFoundError' : 'read'));
}
