import { randomUUID } from 'node:crypto';
import { Connection, type ConnectionOptions } from '@temporalio/client';
import { reset, startFaultProxy } from '@temporal-redis-storage/testing';
import { createPrefix } from './support/redis';
import { DAY_MS, DUE_MS, expectTtl, RenewServers } from './support/renew-servers';

jest.setTimeout(400_000);

type Interceptor = NonNullable<ConnectionOptions['interceptors']>[number];

/** Ids that no query can express, so that Temporal is asked about each of them. */
const QUOTED_IDS = 20;

describe('renew, when something fails in the middle,', () => {
  const servers = new RenewServers();
  let keyPrefix: string;

  beforeAll(async () => servers.start());

  beforeEach(() => {
    keyPrefix = createPrefix();
  });

  afterAll(async () => servers.stop());

  /** A key each of ids with quotes, none of which Temporal knows. */
  async function writeForgotten(): Promise<string[]> {
    const ids = Array.from({ length: QUOTED_IDS }, () => `"${randomUUID()}"`);
    return Promise.all(ids.map(async (id) => servers.write(keyPrefix, { id })));
  }

  async function readTtls(keys: string[]): Promise<number[]> {
    return Promise.all(keys.map(async (key) => servers.redis.pTTL(key)));
  }

  it('extends what Temporal could not be asked about, and counts it', async () => {
    const keys = await writeForgotten();
    const [host = '', port] = servers.temporal.address.split(':');
    const proxy = await startFaultProxy({ host, port: Number(port) });
    try {
      let requests = 0;
      const result = await servers.renew({
        keyPrefix,
        address: `${proxy.host}:${proxy.port}`,
        onProgress: ({ scanned }) => {
          if (scanned < QUOTED_IDS || (requests += 1) !== 6) return;
          proxy.toServer = reset;
          for (const link of proxy.links) link.reset();
        },
      });
      expect(requests).toBeGreaterThan(6);
      expect(result).toMatchObject({ expiring: QUOTED_IDS, extended: QUOTED_IDS, left: 0 });
      expect(result.unanswered).toBeGreaterThan(0);
      expect(result.failure).toMatch(/UNAVAILABLE|DEADLINE_EXCEEDED/);
      for (const key of keys) await expectTtl(servers, key, 30 * DAY_MS);
    } finally {
      await proxy.stop();
    }
  });

  it('goes on when the connection to Redis is lost in the middle of the scan', async () => {
    const id = await servers.startOpen();
    const keys = await Promise.all(Array.from({ length: 5000 }, async () => servers.write(keyPrefix, { id })));
    const proxy = await startFaultProxy(servers.server);
    try {
      let steps = 0;
      const result = await servers.renew({
        keyPrefix,
        redisUrl: `redis://${proxy.host}:${proxy.port}`,
        onProgress: ({ scanned }) => {
          if (scanned === 0 || (steps += 1) !== 2) return;
          for (const link of proxy.links) link.reset();
        },
      });
      expect(steps).toBeGreaterThan(2);
      expect(result).toMatchObject({ scanned: 5000, expiring: 5000, extended: 5000, unanswered: 0 });
      expect(Math.min(...(await readTtls(keys)))).toBeGreaterThan(29 * DAY_MS);
    } finally {
      await proxy.stop();
    }
  });

  it('rejects when Redis goes away between question and extension, loses nothing, and succeeds the next time', async () => {
    const id = await servers.startOpen();
    const keys = await Promise.all(Array.from({ length: 500 }, async () => servers.write(keyPrefix, { id })));
    const proxy = await startFaultProxy(servers.server);
    try {
      const renewal = servers.renew({
        keyPrefix,
        redisUrl: `redis://${proxy.host}:${proxy.port}`,
        onProgress: ({ scanned }) => {
          if (scanned < 500) return;
          proxy.toServer = reset;
          for (const link of proxy.links) link.reset();
        },
      });
      await expect(renewal).rejects.toThrow(/closed|reset|refused/i);
      expect(Math.min(...(await readTtls(keys)))).toBeGreaterThan(DUE_MS - 120_000 * 5);
    } finally {
      await proxy.stop();
    }
    await expect(servers.renew({ keyPrefix })).resolves.toMatchObject({ expiring: 500, extended: 500 });
    expect(Math.min(...(await readTtls(keys)))).toBeGreaterThan(29 * DAY_MS);
  });

  it('sends no more requests to Temporal than maxRps allows, and reports progress with each', async () => {
    await writeForgotten();
    const times: number[] = [];
    const count: Interceptor = (options, nextCall) => {
      times.push(Date.now());
      return nextCall(options) as ReturnType<Interceptor>;
    };
    const connection = await Connection.connect({ address: servers.temporal.address, interceptors: [count] });
    try {
      times.length = 0;
      let reports = 0;
      await servers.renew({ keyPrefix, connection, maxRps: 5, onProgress: () => (reports += 1) });
      expect(times.length).toBeGreaterThan(QUOTED_IDS);
      expect(reports).toBeGreaterThan(QUOTED_IDS);
      // A timer may be late, but never early: six requests take a second at least.
      for (const [index, time] of times.slice(0, -10).entries()) {
        expect(times[index + 10]! - time).toBeGreaterThan(1500);
      }
    } finally {
      await connection.close();
    }
  });
});
