import { inspect } from 'node:util';
import { Redis as Upstash } from '@upstash/redis';
import { Cluster, Redis } from 'ioredis';
import { createClient as createRedis } from 'redis';
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import { startRedis } from '@temporal-redis-storage/testing';
import { NodeRedisStorageDriverClient, type NodeRedisClient, type NodeRedisCommands } from '../src';
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
  ])('refuses a %s, and names only its type', (type, create) => {
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
    [Object.assign(new Error('getaddrinfo EAI_AGAIN'), { code: 'EAI_AGAIN' }), true],
    [new Error('Connection timeout'), true],
    [new Error('The client is offline'), true],
    [new Error('The client is closed'), false],
    [new Error('Disconnects client'), true],
    [new Error('The queue is full'), true],
    [new Error('Timeout waiting for a client after 3000ms'), true],
    [new Error('OOM command not allowed'), false],
    [undefined, false],
  ])('decides whether the driver retries an error: %s, %p', (error, transient) => {
    expect(new NodeRedisStorageDriverClient(createRedis()).isTransient(error)).toBe(transient);
  });

  it.each<[command: string, replies: Partial<Record<'get' | 'set' | 'eval', unknown>>]>([
    ['SET', { set: 'QUEUED' }],
    ['SET', { set: 1 }],
    ['SET', { set: Buffer.from('OK') }],
    ['EVAL', { get: null, eval: null }],
    ['EVAL', { get: null, eval: Buffer.from('value') }],
    ['EVAL', { get: null, eval: [Buffer.from('another'), null] }],
    ['EVAL of exists', { eval: 1 }],
    ['EVAL of exists', { eval: [Buffer.from('another'), 1] }],
    ['EVAL of extendTtl', { eval: 1 }],
    ['EVAL of extendTtl', { eval: 'OK' }],
  ])("refuses another command's reply to %s: %j", async (command, replies) => {
    const commands = Object.fromEntries(
      ['get', 'set', 'eval'].map((name) => [name, async () => replies[name as keyof typeof replies]]),
    ) as unknown as NodeRedisCommands;
    const client = new NodeRedisStorageDriverClient({ ...commands, withTypeMapping: () => commands });
    const requests: Record<string, () => Promise<unknown>> = {
      SET: () => client.setIfAbsent('key', Buffer.from('value')),
      EVAL: () => client.get('key'),
      'EVAL of exists': () => client.exists('key'),
      'EVAL of extendTtl': () => client.extendTtl('key', 1),
    };

    await expect(requests[command]!()).rejects.toThrow(
      new TypeError(
        `node-redis is out of sync: it returned another command's reply for ${command.split(' ', 1)[0]}. Reconnect the client.`,
      ),
    );
  });

  it('refuses a text reply, and names the setting instead of the text', async () => {
    const text = async (): Promise<string> => 'content';
    const commands = { get: text, set: text, eval: text };
    const client = new NodeRedisStorageDriverClient({ ...commands, withTypeMapping: () => commands });

    await expect(client.get('key')).rejects.toThrow(
      new TypeError(
        'node-redis returned a string instead of bytes: ' +
          'the client must follow withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })',
      ),
    );
  });

  describe.each(LIBRARIES)('with %s', (_, { createClient, createClientPool, createCluster, createSentinel }) => {
    it("keeps a payload's bytes out of the driver's error if Redis doesn't know SET and repeats its arguments", async () => {
      const server = await startRedis({ args: ['--rename-command', 'SET', ''] });
      const redis = createClient({ url: server.url });
      await redis.connect();

      const driver = new RedisStorageDriver({ client: new NodeRedisStorageDriverClient(redis) });
      const error = await driver
        .store({}, [{ data: Buffer.from('payload-content') }])
        .catch((failure: unknown) => failure as Error);

      redis.destroy();
      await server.stop();
      expect(error).toMatchObject({
        cause: { message: expect.stringMatching(/^ERR unknown command ['`]SET['`]$/) as string },
      });
      expect(inspect(error, { showHidden: true, depth: 9 })).not.toMatch(/payload-content/);
    });

    it('describes a client by host and port, without its credentials', () => {
      const url = 'redis://user:secret@example.com:1234/5';

      expect(new NodeRedisStorageDriverClient(createClient({ url })).describe()).toEqual({
        host: 'example.com',
        port: '1234',
      });
    });

    it('describes nothing if the client has no single host and port', () => {
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
