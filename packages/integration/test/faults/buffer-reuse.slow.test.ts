import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { decorateClient, RedisStorageDriver, type RedisStorageDriverClient } from '@temporal-redis-storage/core';
import { delay, pass } from '@temporal-redis-storage/testing';
import { SHAPES } from '../client-shapes';
import { useFaultFixture } from './fixture';
import { createRandomPayload } from './payloads';

jest.setTimeout(180_000);

const getFixture = useFaultFixture();

const KIB = 1024;
const STORES = 240;
/** The last ones are asked for first, and sent by ioredis without a copy. */
const SIZES = [1, 5, 60, 64, 250, 1100, 4200].map((kib) => kib * KIB);
const WRITERS = 6;

/** Remembers each key that is written, and how often each piece of memory is used. */
function record(client: RedisStorageDriverClient) {
  const keys = new Set<string>();
  const uses = new Map<ArrayBufferLike, number>();
  const recording = decorateClient(client, {
    releasesData: true,
    setIfAbsent(key, data, options) {
      keys.add(key);
      uses.set(data.buffer, (uses.get(data.buffer) ?? 0) + 1);
      return client.setIfAbsent(key, data, options);
    },
  });
  return { keys, uses, client: recording };
}

// In a cluster of one node, there are no redirections: cluster.slow.test.ts checks the stored bytes while slots move.
it.each(Object.keys(SHAPES))(
  'Redis has only what was sent, though memory is used again while connections break: %s',
  async (name) => {
    const fixture = getFixture();
    const { client, connected, proxy } = fixture.open(name);
    await connected;
    const recorded = record(client);
    const driver = new RedisStorageDriver({
      client: recorded.client,
      keyPrefix: randomUUID(),
      requestTimeout: '2 seconds',
      maxBytesInFlight: 6 * 1024 * KIB,
    });

    let started = 0;
    const stored: string[] = [];
    const write = async (): Promise<void> => {
      while (started < STORES) {
        const payload = createRandomPayload(SIZES[started++ % SIZES.length]!);
        const abort = started % 20 === 0 ? { abortSignal: AbortSignal.timeout(3) } : {};
        await driver.store(abort, [payload]).then(
          ([claim]) => stored.push(claim!.claimData['key']!),
          () => {},
        );
      }
    };
    const over = new AbortController();
    const disturb = async (): Promise<void> => {
      while (!over.signal.aborted) {
        await sleep(150);
        for (const link of proxy.links) link.reset();
        proxy.toServer = delay(5);
        proxy.toClient = delay(10);
        await sleep(150);
        for (const link of proxy.links) link.cut();
        proxy.toServer = pass;
        proxy.toClient = pass;
        await sleep(400);
      }
    };
    const disturbing = disturb();
    await Promise.all(Array.from({ length: WRITERS }, write));
    over.abort();
    await disturbing;

    const wrong: string[] = [];
    const found = new Set<string>();
    for (const key of recorded.keys) {
      const bytes = await fixture.backDoor.read(key);
      if (bytes === null) continue;
      found.add(key);
      if (!key.endsWith(createHash('sha256').update(bytes).digest('hex'))) wrong.push(key);
    }
    expect(wrong).toEqual([]);
    expect(stored.filter((key) => !found.has(key))).toEqual([]);
    expect(stored.length).toBeGreaterThan(STORES / 4);
    // Without any reuse, the test would prove nothing.
    expect([...recorded.uses.values()].filter((count) => count > 1).length).toBeGreaterThan(3);
  },
);
