import { Redis as Upstash } from '@upstash/redis';
import { Cluster, Redis } from 'ioredis';
import { createClient as createRedis } from 'redis';
import { NodeRedisStorageDriverClient, type NodeRedisClient } from '../src';
import { LIBRARIES } from './libraries';

describe('NodeRedisStorageDriverClient', () => {
  it.each<[string, () => unknown]>([
    ['string', () => 'redis://user:secret@localhost'],
    ['undefined', () => undefined],
    ['null', () => null],
    ['object', () => ({ url: 'redis://user:secret@localhost' })],
    ['object', () => Promise.resolve()],
    ['object', () => new Redis('redis://user:secret@localhost', { lazyConnect: true })],
    ['object', () => new Cluster([], { lazyConnect: true, redisOptions: { password: 'secret' } })],
    ['object', () => new Upstash({ url: 'https://example.upstash.io', token: 'secret' })],
  ])('refuses a %s, naming nothing but its type', (type, create) => {
    expect(() => new NodeRedisStorageDriverClient(create() as NodeRedisClient)).toThrow(
      new TypeError(
        'NodeRedisStorageDriverClient takes a client, pool, cluster or sentinel of redis or @redis/client, ' +
          `version 5 or 6, got ${type}`,
      ),
    );
  });

  it.each<[unknown, boolean]>([
    [new Error('Socket closed unexpectedly'), true],
    [Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }), true],
    [Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }), true],
    [Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' }), false],
    [new Error('The client is closed'), false],
    [new Error('Disconnects client'), false],
    [new Error('OOM command not allowed'), false],
    [undefined, false],
  ])('knows what node-redis does not send again: %s', (error, transient) => {
    expect(new NodeRedisStorageDriverClient(createRedis()).isTransient(error)).toBe(transient);
  });

  it('refuses a text reply, naming the setting and not the text', async () => {
    const text = async (): Promise<string> => 'content';
    const commands = { get: text, set: text, setRange: text, eval: text };
    const client = new NodeRedisStorageDriverClient({ ...commands, withTypeMapping: () => commands });

    await expect(client.get('key')).rejects.toThrow(
      new TypeError(
        'node-redis answered with a string instead of bytes: ' +
          'the client must follow withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })',
      ),
    );
  });

  describe.each(LIBRARIES)('of %s', (_, { createClient, createClientPool, createCluster, createSentinel }) => {
    it('describes a client by host and port, without its credentials', () => {
      const url = 'redis://user:secret@example.com:1234/5';

      expect(new NodeRedisStorageDriverClient(createClient({ url })).describe()).toEqual({
        host: 'example.com',
        port: '1234',
      });
    });

    it('describes nothing that it does not know', () => {
      const rootNodes = [{ url: 'redis://user:secret@example.com' }];
      const sentinelRootNodes = [{ host: 'example.com', port: 26_379 }];
      const clients = [
        createClient(),
        createClient({ socket: { path: '/tmp/redis.sock', tls: false } }),
        createClientPool(),
        createCluster({ rootNodes }),
        createSentinel({ name: 'name', sentinelRootNodes }),
      ];

      for (const client of clients) expect(new NodeRedisStorageDriverClient(client).describe()).toEqual({});
    });
  });
});
