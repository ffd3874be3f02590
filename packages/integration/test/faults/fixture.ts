import {
  openBackDoor,
  pass,
  startFaultProxy,
  startRedisCluster,
  startUpstash,
  type BackDoor,
  type FaultProxy,
} from '@temporal-redis-storage/testing';
import { connectAll, disconnectAll, type RedisConnection } from '../../../testing/src/servers/redis-connection';
import { startSentinel } from '../../../testing/src/servers/sentinel';
import { MASTER_NAME, PREVIOUS_MAJOR_SHAPES, SHAPES, type Endpoints, type OpenClient } from '../client-shapes';

/** A client, and the fault proxy between client and server. */
interface ProxiedClient extends OpenClient {
  proxy: FaultProxy;
}

/** A Redis and an Upstash endpoint, both behind fault proxies, and a sentinel without a proxy. */
export interface FaultFixture {
  /** A direct connection to Redis for checking stored bytes. */
  backDoor: BackDoor;
  /** A direct connection to Redis for settings. */
  admin: RedisConnection;
  /** Starts to connect a client of this shape through its proxy. */
  open(name: string, settings?: Pick<Endpoints, 'socketTimeout'>): ProxiedClient;
  /** Closes the clients and ends the faults. */
  clear(): void;
  stop(): Promise<void>;
}

const MAX_REQUEST_SIZE = 64 * 1024 * 1024;

/**
 * Starts a fixture for the tests of a file, and clears it after each test. Returns a function that returns the fixture.
 */
export function useFaultFixture(): () => FaultFixture {
  let fixture: FaultFixture | undefined;
  beforeAll(async () => {
    fixture = await startFaultFixture();
  });
  afterEach(() => fixture?.clear());
  afterAll(async () => fixture?.stop());
  return () => fixture!;
}

async function startFaultFixture(): Promise<FaultFixture> {
  // A cluster of one node serves both cluster clients and other clients.
  const cluster = await startRedisCluster({ masters: 1, replicasPerMaster: 0 });
  const redis = cluster.nodes[0]!;
  const upstash = await startUpstash({ redis, maxRequestSize: MAX_REQUEST_SIZE });
  const backDoor = await openBackDoor(redis.url);
  const [admin] = await connectAll([redis]);
  const sentinel = await startSentinel(MASTER_NAME, redis);
  const tcp = await startFaultProxy(redis);
  const http = await startFaultProxy({ host: '127.0.0.1', port: Number(new URL(upstash.url).port) });
  // Cluster clients use the announced port, so they go through the proxy too.
  await admin!.configSet('cluster-announce-port', String(tcp.port));

  const endpoints = {
    host: tcp.host,
    port: tcp.port,
    sentinel: { host: sentinel.host, port: sentinel.port },
    upstash: { url: `http://${http.host}:${http.port}`, token: upstash.token },
  };
  const opened: OpenClient[] = [];

  return {
    backDoor,
    admin: admin!,
    open(name, settings) {
      const client = { ...SHAPES, ...PREVIOUS_MAJOR_SHAPES }[name]!({ ...endpoints, ...settings });
      opened.push(client);
      return { ...client, proxy: name.startsWith('Upstash') ? http : tcp };
    },
    clear() {
      for (const client of opened.splice(0)) client.close();
      for (const proxy of [tcp, http]) {
        for (const link of proxy.links) link.reset();
        proxy.toServer = pass;
        proxy.toClient = pass;
      }
    },
    async stop() {
      disconnectAll([admin!]);
      await backDoor.close();
      await Promise.all([tcp.stop(), http.stop()]);
      await upstash.stop();
      await sentinel.stop();
      await cluster.stop();
    },
  };
}
