import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { Redis as Upstash } from '@upstash/redis';
import RedisMock from 'ioredis-mock';
import { createClient, createClientPool } from 'redis';
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import { startRedis } from '@temporal-redis-storage/testing';
import { IoredisStorageDriverClient, type IoredisClient } from '../src';
import { LIBRARIES } from './libraries';

const hang = (): Promise<never> => new Promise(() => {});

/** The content of the payload, as text or as bytes in decimal. */
const CONTENT = /payload-content|112,\s*97,\s*121/;

describe('IoredisStorageDriverClient', () => {
  it.each<[string, () => unknown]>([
    ['string', () => 'redis://user:secret@localhost'],
    ['object', () => new LIBRARIES[0]![1].default({ lazyConnect: true }).pipeline()],
    ['undefined', () => undefined],
    ['null', () => null],
    ['object', () => ({ host: 'localhost', password: 'secret' })],
    ['object', () => Promise.resolve()],
    ['object', () => createClient({ password: 'secret' })],
    ['object', () => createClientPool({ password: 'secret' })],
    ['object', () => new Upstash({ url: 'https://example.upstash.io', token: 'secret' })],
  ])('refuses a %s, and names only its type', (type, create) => {
    expect(() => new IoredisStorageDriverClient(create() as IoredisClient)).toThrow(
      new TypeError(`IoredisStorageDriverClient takes a Redis or Cluster of ioredis, version 5 or 6, got ${type}`),
    );
  });

  it('accepts only OK as the reply to a SET', async () => {
    const redis = { getBuffer: hang, getexBuffer: hang, eval: hang, set: async () => 'QUEUED' as 'OK' };

    await expect(new IoredisStorageDriverClient(redis).setIfAbsent('key', Buffer.from('value'))).rejects.toThrow(
      new TypeError("Unexpected reply to SET from ioredis: expected OK or null. Don't share the connection."),
    );
  });

  it.each<[unknown, boolean]>([
    [new Error("Stream isn't writeable and enableOfflineQueue options is false"), true],
    [new Error('MOVED 3999 127.0.0.1:6381'), true],
    [new Error('ASK 3999 127.0.0.1:6381'), true],
    [new Error('Connection is closed.'), false],
    [new Error('Reached the max retries per request limit (which is 20).'), true],
    [new Error('Command timed out'), true],
    [new Error('OOM command not allowed'), false],
    [undefined, false],
  ])('decides whether the driver retries an error: %s, %p', (error, transient) => {
    const redis = new LIBRARIES[0]![1].default({ lazyConnect: true });
    expect(new IoredisStorageDriverClient(redis).isTransient(error)).toBe(transient);
  });

  it('refuses a text reply, and names the setting instead of the text', async () => {
    const client = new IoredisStorageDriverClient({
      getBuffer: async () => 'content' as unknown as Buffer,
      getexBuffer: async () => 'content' as unknown as Buffer,
      eval: async () => 0,
      set: async () => 'OK',
    });

    await expect(client.get('key')).rejects.toThrow(
      new TypeError('ioredis returned a string instead of bytes: remove the reply transformer of GET and GETEX'),
    );
  });

  it('changes nothing when it asks a server that takes every write for a change', async () => {
    // Its SETRANGE creates an empty key, for example.
    const redis = new RedisMock();
    const driver = new RedisStorageDriver({ client: new IoredisStorageDriverClient(redis) });
    const data = randomBytes(5 * 1024 * 1024);

    const claims = await driver.store({}, [{ data }]);
    expect(await driver.store({}, [{ data }])).toEqual(claims);

    const [payload] = await driver.retrieve({}, claims);
    expect(Buffer.compare(payload!.data!, data)).toBe(0);
    expect(await new IoredisStorageDriverClient(redis).exists('absent')).toBe(false);
    expect(await redis.keys('*')).toHaveLength(1);
    redis.disconnect();
  });

  describe.each(LIBRARIES)('with %s', (_, { default: Redis, Cluster }) => {
    it("keeps a payload's bytes out of the driver's error if Redis doesn't know SET and repeats its arguments", async () => {
      const server = await startRedis({ args: ['--rename-command', 'SET', ''] });
      const redis = new Redis(server.url);

      const driver = new RedisStorageDriver({ client: new IoredisStorageDriverClient(redis) });
      const error = await driver
        .store({}, [{ data: Buffer.from('payload-content') }])
        .catch((failure: unknown) => failure as Error);

      redis.disconnect();
      await server.stop();
      expect(error).toMatchObject({
        cause: { message: expect.stringMatching(/^ERR unknown command ['`]set['`]$/) as string },
      });
      expect(inspect(error, { showHidden: true, depth: 9 })).not.toMatch(CONTENT);
    });

    it("keeps bytes that ioredis could not parse out of the driver's error", async () => {
      const server = createServer((socket) => socket.on('data', () => socket.write('?payload-content\r\n')));
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const { port } = server.address() as AddressInfo;
      const redis = new Redis(port, '127.0.0.1', {
        enableReadyCheck: false,
        maxRetriesPerRequest: 0,
        retryStrategy: () => null,
      });
      redis.on('error', () => {});

      const driver = new RedisStorageDriver({ client: new IoredisStorageDriverClient(redis) });
      const claims = [{ claimData: { key: `v0:d:sha256:${'0'.repeat(64)}` } }];
      const error = await driver.retrieve({}, claims).catch((failure: unknown) => failure);

      redis.disconnect();
      server.close();
      expect(error).toBeInstanceOf(Error);
      expect(inspect(error, { showHidden: true, depth: 9 })).not.toMatch(CONTENT);
    });

    it('describes a server by host and port, without its credentials', () => {
      const redis = new Redis('redis://user:secret@example.com:1234/5', { lazyConnect: true });

      expect(new IoredisStorageDriverClient(redis).describe()).toEqual({ host: 'example.com', port: '1234' });
    });

    it('describes nothing if the client has no single host and port', () => {
      const nodes = [{ host: 'example.com', port: 1234 }];
      const clients = [
        new Redis({ name: 'name', sentinels: nodes, lazyConnect: true }),
        new Redis('/tmp/redis.sock', { lazyConnect: true }),
        new Cluster(nodes, { lazyConnect: true }),
      ];

      for (const client of clients) expect(new IoredisStorageDriverClient(client).describe()).toEqual({});
    });
  });
});
