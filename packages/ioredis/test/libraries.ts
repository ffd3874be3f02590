import * as ioredis6 from 'ioredis';
import * as ioredis5 from 'ioredis-5';
import * as oldest from 'ioredis-oldest';
import * as iovalkey from 'iovalkey';
import type { ConnectedClient } from '@temporal-redis-storage/testing';
import { IoredisStorageDriverClient, type IoredisClient } from '../src';

type Library = Pick<typeof ioredis6, 'default' | 'Cluster'>;

/** The versions under test. types.ts checks the differences between their types. */
export const LIBRARIES: [string, Library][] = [
  ['ioredis 6', ioredis6],
  ['ioredis 5', ioredis5 as unknown as Library],
  ['ioredis 5.0.0', oldest as unknown as Library],
  ['iovalkey', iovalkey as unknown as Library],
];

/** A `Redis` or a `Cluster`. */
export interface Connection extends IoredisClient {
  disconnect(): void;
}

export async function connect(redis: Connection): Promise<ConnectedClient> {
  return {
    client: new IoredisStorageDriverClient(redis),
    async close() {
      redis.disconnect();
    },
  };
}
