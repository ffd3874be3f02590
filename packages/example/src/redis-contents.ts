import { createClient } from 'redis';
import { removeCredentials } from './options';

/** The keys under one prefix. */
export interface RedisContents {
  keys: number;
  bytes: number;
  /** Shortest time to live, in milliseconds; -1 if a key never expires. */
  shortestTtl: number;
  /** Longest time to live, in milliseconds. */
  longestTtl: number;
}

/** Inspects Redis through a separate connection, independent of the library that the pipeline uses. */
export class RedisInspector {
  private constructor(private readonly redis: Awaited<ReturnType<typeof connect>>) {}

  static async open(url: string): Promise<RedisInspector> {
    try {
      return new RedisInspector(await connect(url));
    } catch (cause) {
      throw new Error(`Cannot use Redis at ${removeCredentials(url)} (see --redis-url)`, { cause });
    }
  }

  /** Counts the keys that start with `prefix`, which must be free of glob characters. */
  async readContents(prefix: string): Promise<RedisContents> {
    const keys = new Set<string>();
    for await (const batch of this.redis.scanIterator({ MATCH: `${prefix}*`, COUNT: 1000 })) {
      for (const key of batch) keys.add(key);
    }
    const sizes = await Promise.all([...keys].map((key) => this.redis.strLen(key)));
    const ttls = await Promise.all([...keys].map((key) => this.redis.pTTL(key)));
    return {
      keys: keys.size,
      bytes: sizes.reduce((sum, size) => sum + size, 0),
      shortestTtl: Math.min(...ttls),
      longestTtl: Math.max(...ttls),
    };
  }

  async close(): Promise<void> {
    await this.redis.close();
  }
}

async function connect(url: string) {
  const redis = createClient({ url, socket: { reconnectStrategy: false } });
  redis.on('error', () => {}); // Failing calls reject anyway.
  return redis.connect();
}
