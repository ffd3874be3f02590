import * as redis6 from 'redis';
import * as redis5 from 'redis-5';
import * as oldest from 'redis-client-oldest';
import type { ConnectedClient } from '@temporal-redis-storage/testing';
import { NodeRedisStorageDriverClient, type NodeRedisClient } from '../src';

type Library = typeof redis6;

/** The versions under test. types.ts checks the differences between their types. */
export const LIBRARIES: [string, Library][] = [
  ['redis 6', redis6],
  ['redis 5', redis5 as unknown as Library],
  ['@redis/client 5.7.0', oldest as unknown as Library],
];

/** A client, pool, cluster or sentinel of node-redis. */
export interface Connection extends NodeRedisClient {
  connect(): Promise<unknown>;
  destroy(): unknown;
}

export async function connect(redis: Connection): Promise<ConnectedClient> {
  await redis.connect();
  return {
    client: new NodeRedisStorageDriverClient(redis),
    async close() {
      try {
        await redis.destroy();
      } catch (error) {
        // A pool of 5.7 throws this error if one of its clients is already closed.
        if ((error as Error).message !== 'The client is closed') throw error;
      }
    },
  };
}
