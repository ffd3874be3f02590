import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type * as ioredis6 from 'ioredis';
import {
  cleanUpAfterEach,
  hold,
  pass,
  startFaultProxy,
  startRedis,
  type FaultProxy,
  type RunningRedis,
} from '@temporal-redis-storage/testing';
import { IoredisStorageDriverClient } from '../src';
import { LIBRARIES } from './libraries';

const SIZES: [name: string, size: number][] = [
  ['small', 1000],
  ['large', 2 * 1024 * 1024],
];

let server: RunningRedis;
let proxy: FaultProxy;
const { cleanUp } = cleanUpAfterEach();

beforeAll(async () => {
  server = await startRedis();
  proxy = await startFaultProxy(server);
});

afterEach(() => {
  proxy.toServer = pass;
});

afterAll(async () => {
  await proxy?.stop();
  await server?.stop();
});

function resetLinks(): void {
  for (const link of proxy.links) link.reset();
}

describe.each(LIBRARIES)('an aborted write of %s', (_, { default: Redis }) => {
  describe.each([
    ['by default', {}],
    ['with autopipelining', { enableAutoPipelining: true }],
  ])('%s', (_name, options: { enableAutoPipelining?: boolean }) => {
    let redis: ioredis6.Redis;
    let client: IoredisStorageDriverClient;

    beforeEach(async () => {
      redis = new Redis(proxy.port, proxy.host, options);
      redis.on('error', () => {});
      cleanUp(() => redis.disconnect());
      client = new IoredisStorageDriverClient(redis);
      await redis.ping();
    });

    it.each(SIZES)('rejects at once while it waits for a connection, and is never sent: %s', async (_size, size) => {
      const [key, reason, controller] = [randomUUID(), new Error('shutting down'), new AbortController()];
      const closed = new Promise((resolve) => redis.once('close', resolve));
      proxy.toServer = hold;
      resetLinks();
      await closed;

      const write = client
        .setIfAbsent(key, randomBytes(size), { abortSignal: controller.signal })
        .catch((error: unknown) => error);
      controller.abort(reason);

      expect(await Promise.race([write, sleep(5000, 'still pending')])).toBe(reason);
      proxy.toServer = pass;
      expect(await redis.exists(key)).toBe(0);
    });

    it.each(SIZES)('is not sent again after a lost connection, and keeps its place: %s', async (_size, size) => {
      const [key, controller] = [randomUUID(), new AbortController()];
      // Written to the socket, but not received by Redis.
      proxy.toServer = hold;
      const before = redis.echo('before');
      const write = client.setIfAbsent(key, randomBytes(size), { abortSignal: controller.signal });
      const after = redis.echo('after');
      await sleep(50);
      controller.abort(new Error('shutting down'));

      resetLinks();
      proxy.toServer = pass;

      await expect(write).rejects.toBeInstanceOf(Error);
      expect(await Promise.all([before, after])).toEqual(['before', 'after']);
      expect(await redis.exists(key)).toBe(0);
    });

    it('rejects without an abort, too, instead of being sent again after a lost connection', async () => {
      const key = randomUUID();
      proxy.toServer = hold;
      const write = client.setIfAbsent(key, randomBytes(1000));
      const after = redis.echo('after');
      await sleep(50);

      resetLinks();
      proxy.toServer = pass;

      const error = await write.catch((failure: unknown) => failure);
      expect(error).toMatchObject({
        message: expect.stringMatching(/^The connection was lost before Redis answered SET\./) as string,
      });
      expect(client.isTransient(error)).toBe(true);
      expect(await after).toBe('after');
      expect(await redis.exists(key)).toBe(0);
    });
  });
});
