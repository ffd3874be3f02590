import { Redis as Upstash } from '@upstash/redis';
import { createClient, createClientPool } from 'redis';
import { IoredisStorageDriverClient, type IoredisClient } from '../src';
import { LIBRARIES } from './libraries';

describe('IoredisStorageDriverClient', () => {
  it.each<[string, () => unknown]>([
    ['string', () => 'redis://user:secret@localhost'],
    ['undefined', () => undefined],
    ['null', () => null],
    ['object', () => ({ host: 'localhost', password: 'secret' })],
    ['object', () => Promise.resolve()],
    ['object', () => createClient({ password: 'secret' })],
    ['object', () => createClientPool({ password: 'secret' })],
    ['object', () => new Upstash({ url: 'https://example.upstash.io', token: 'secret' })],
  ])('refuses a %s, naming nothing but its type', (type, create) => {
    expect(() => new IoredisStorageDriverClient(create() as IoredisClient)).toThrow(
      new TypeError(`IoredisStorageDriverClient takes a Redis or Cluster of ioredis, version 5 or 6, got ${type}`),
    );
  });

  it('refuses a text reply, naming the setting and not the text', async () => {
    const client = new IoredisStorageDriverClient({
      getBuffer: async () => 'content' as unknown as Buffer,
      getexBuffer: async () => 'content' as unknown as Buffer,
      setrange: async () => 0,
      set: async () => 'OK',
    });

    await expect(client.get('key')).rejects.toThrow(
      new TypeError('ioredis answered with a string instead of bytes: remove the reply transformer of GET and GETEX'),
    );
  });

  describe.each(LIBRARIES)('of %s', (_, { default: Redis, Cluster }) => {
    it('describes a server by host and port, without its credentials', () => {
      const redis = new Redis('redis://user:secret@example.com:1234/5', { lazyConnect: true });

      expect(new IoredisStorageDriverClient(redis).describe()).toEqual({ host: 'example.com', port: '1234' });
    });

    it('describes nothing that it does not know', () => {
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
