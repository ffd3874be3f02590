import {
  describeClientContract,
  openBackDoor,
  startRedis,
  startUpstash,
  type RunningRedis,
  type UpstashServer,
} from '@temporal-redis-storage/testing';
import { Redis } from '@upstash/redis';
import { Redis as OldestRedis } from 'upstash-redis-oldest';
import { UpstashStorageDriverClient } from '../src';

let redis: RunningRedis;
let upstash: UpstashServer;

beforeAll(async () => {
  redis = await startRedis();
  // The contract stores values of up to 20 MiB, which only the larger plans accept.
  upstash = await startUpstash({ redis, maxRequestSize: 100 * 1024 * 1024 });
});
afterAll(async () => {
  await upstash?.stop();
  await redis?.stop();
});

const SOURCES = {
  'a Redis of @upstash/redis 1': () => new Redis(upstash),
  'a Redis of @upstash/redis 1.12.0': () => new OldestRedis(upstash),
  'a URL and a token': () => upstash,
};

for (const [name, createSource] of Object.entries(SOURCES)) {
  describeClientContract(
    `UpstashStorageDriverClient on ${name}`,
    ['exists', 'extendTtl', 'releasesData', 'describe'],
    async () => ({
      client: new UpstashStorageDriverClient(createSource()),
      backDoor: await openBackDoor(redis.url),
      async close() {},
    }),
  );
}
