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

/** Servers, ready to lose what is stored while replication is held back. */
interface LossFixture {
  replication: ProxiedReplication;
  drivers: RedisStorageDriver[];
  /** Resolves to a way to look into what is left, once the failover is over. */
  failOver(): Promise<BackDoor>;
}

const SCENES = {
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

/** Has the first master's replica take its place without asking anyone. */
async function takeOver({ nodes }: RunningRedisCluster): Promise<void> {
  const [replica] = await connectAll([nodes[3]!]);
  try {
    await replica!.clusterFailover({ mode: 'TAKEOVER' });
  } finally {
    disconnectAll([replica!]);
  }
  await waitForSuccession(nodes[3]!, nodes);
}

async function killFirstMaster({ nodes }: RunningRedisCluster, { proxies }: ProxiedReplication): Promise<void> {
  process.kill(nodes[0]!.pid, 'SIGKILL');
  // So that connections to it are refused.
  await proxies[0]!.stop();
  await waitForSuccession(nodes[3]!, nodes.slice(1));
}

/** Resolves once a node is a master in the eyes of these nodes, and they serve all slots again. */
async function waitForSuccession({ port }: RedisAddress, nodes: RedisAddress[]): Promise<void> {
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

describe.each(Object.entries(SCENES))('%s', (_, start) => {
  it('reports the writes that this loses as misses, and has all else byte for byte', async () => {
    const scene = await start();
    const { replication, drivers } = scene;
    const copied = await storeByAll(drivers);
    await replication.inStep();
    replication.hold();
    const late = await storeByAll(drivers);

    const [meanwhile, backDoor] = await Promise.all([readByAll(drivers, late), scene.failOver()]);
    cleanUp(() => backDoor.close());

    const fates = await Promise.all(late.map((stored) => collectFates(stored, backDoor)));
    for (const each of fates) expect(each).toContain('PayloadNotFoundError');
    // Before the failover was over they may still have been there.
    for (const [k, outcome] of meanwhile.flat().entries()) expect(['read', fates.flat()[k]]).toContain(outcome);
    expect(await readByAll(drivers, late)).toEqual(fates);
    expect(await readByAll(drivers, copied)).toEqual(copied.map((stored) => stored.map(() => 'read')));

    const payloads = late.map((stored) => stored.map(({ payload }) => payload));
    await Promise.all(drivers.map((driver, i) => driver.store({}, payloads[i]!)));
    expect(await readByAll(drivers, late)).toEqual(late.map((stored) => stored.map(() => 'read')));
  });
});

/** What each driver has stored. */
function storeByAll(drivers: RedisStorageDriver[]): Promise<Stored[][]> {
  return Promise.all(drivers.map((driver) => storeRandom(driver, SIZES)));
}

/** What comes of each driver's reading what it has stored. */
function readByAll(drivers: RedisStorageDriver[], stored: Stored[][]): Promise<unknown[][]> {
  const readAll = (driver: RedisStorageDriver, all: Stored[]): Promise<unknown[]> =>
    Promise.all(all.map((each) => waitForFinalOutcome(driver, each)));
  return Promise.all(drivers.map((driver, i) => readAll(driver, stored[i]!)));
}

/** What reading must come to, by what Redis itself has. */
async function collectFates(stored: Stored[], backDoor: BackDoor): Promise<string[]> {
  const values = await Promise.all(stored.map(({ claim }) => backDoor.read(claim.claimData['key']!)));
  return values.map((value) => (value === null ? 'PayloadNotFoundError' : 'read'));
}
