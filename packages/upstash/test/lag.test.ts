import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startRedis, startUpstash, type RunningRedis, type UpstashServer } from '@temporal-redis-storage/testing';
import { Redis } from '@upstash/redis';
import { UpstashStorageDriverClient } from '../src';

let redis: RunningRedis;
let replica: RunningRedis;
let upstash: UpstashServer;
let commands: string[];
let key: string;
const data = Buffer.from([0, 255, 13, 10]);

beforeAll(async () => {
  redis = await startRedis();
  replica = await startRedis();
  // The lag is longer than any test, so a read sees a write only with the sync token or on the primary.
  upstash = await startUpstash({ redis, replica: { ...replica, lagMs: 600_000 } });
});
afterAll(async () => {
  await upstash?.stop();
  await replica?.stop();
  await redis?.stop();
});
beforeEach(() => {
  key = randomUUID();
  commands = [];
  upstash.intercept = (request, apply) => {
    commands.push(/^[/["]*(\w+)/.exec(request.url === '/' ? request.body.toString() : request.url)![1]!);
    return apply();
  };
});

const READER = `
  const { UpstashStorageDriverClient } = require('@temporal-redis-storage/upstash');
  const [url, token, ...keys] = process.argv.slice(1);
  const client = new UpstashStorageDriverClient({ url, token });
  Promise.all(keys.map((key) => client.get(key))).then((values) => {
    console.log(JSON.stringify(values.map((value) => value && Buffer.from(value).toString('hex'))));
  });
`;

/** Reads keys by a client in another process, which runs the built package. Resolves to the values in hex. */
async function readInAnotherProcess(keys: string[]): Promise<unknown> {
  const run = promisify(execFile);
  await run(process.execPath, [require.resolve('typescript/bin/tsc'), '--build', join(__dirname, '..')]);
  const { stdout } = await run(process.execPath, ['-e', READER, upstash.url, upstash.token, ...keys], {
    cwd: __dirname,
  });
  return JSON.parse(stdout);
}

describe('a miss on a lagging replica', () => {
  it('makes the client read the value from the primary', async () => {
    await new UpstashStorageDriverClient(upstash).setIfAbsent(key, data);

    expect(Buffer.from((await new UpstashStorageDriverClient(upstash).get(key))!)).toEqual(data);

    expect(commands).toEqual(['SETNX', 'GET', 'EVAL']);
  });

  it('makes a client in another process read from the primary, and only an absent key is null', async () => {
    await new UpstashStorageDriverClient(upstash).setIfAbsent(key, data, { ttlMs: 60_000 });

    expect(await readInAnotherProcess([key, randomUUID()])).toEqual([data.toString('hex'), null]);
  });

  it('leaves the TTL unchanged', async () => {
    await new UpstashStorageDriverClient(upstash).setIfAbsent(key, data, { ttlMs: 500_000 });

    await new UpstashStorageDriverClient(upstash).get(key);

    const tcp = new Redis({ url: upstash.url, token: upstash.token });
    expect(await tcp.eval("return redis.call('PTTL', KEYS[1])", [key], [])).toBeGreaterThan(400_000);
  });
});

describe("reading the client's own writes", () => {
  it('takes one request', async () => {
    const client = new UpstashStorageDriverClient(new Redis(upstash));
    await client.setIfAbsent(key, data);

    expect(Buffer.from((await client.get(key))!)).toEqual(data);

    expect(commands).toEqual(['SETNX', 'GET']);
  });

  it('takes one request even after a write that found an existing key', async () => {
    await new UpstashStorageDriverClient(upstash).setIfAbsent(key, data);
    const client = new UpstashStorageDriverClient(upstash);
    expect(await client.setIfAbsent(key, data)).toBe(false);
    commands = [];

    await client.get(key);

    expect(commands).toEqual(['GET']);
  });

  it.each([{ order: [0, 1, 2, 3] }, { order: [3, 2, 1, 0] }, { order: [2, 0, 3, 1] }])(
    'takes one request when the responses to concurrent writes arrive in the order $order',
    async ({ order }) => {
      const client = new UpstashStorageDriverClient(upstash);
      const keys = Array.from({ length: 4 }, () => randomUUID());
      const { intercept } = upstash;
      const releases: (() => void)[] = [];
      const writes: Promise<boolean>[] = [];
      for (const name of keys) {
        const applied = new Promise<void>((resolve) => {
          upstash.intercept = async (request, apply) => {
            const response = await intercept(request, apply);
            resolve();
            await new Promise<void>((release) => releases.push(release));
            return response;
          };
        });
        writes.push(client.setIfAbsent(name, data));
        await applied;
      }
      for (const i of order) {
        releases[i]!();
        await writes[i];
      }
      upstash.intercept = intercept;
      commands = [];

      const values = await Promise.all(keys.map((name) => client.get(name)));

      expect(values.map((value) => Buffer.from(value!))).toEqual(keys.map(() => data));
      expect(commands).toEqual(keys.map(() => 'GET'));
    },
  );

  it('takes a second request if the Redis has readYourWrites: false', async () => {
    const client = new UpstashStorageDriverClient(new Redis({ ...upstash, readYourWrites: false }));
    await client.setIfAbsent(key, data);

    expect(Buffer.from((await client.get(key))!)).toEqual(data);

    expect(commands).toEqual(['SETNX', 'GET', 'EVAL']);
  });
});
