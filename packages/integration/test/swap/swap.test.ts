import { randomBytes, randomUUID } from 'node:crypto';
import type { Payload } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import {
  openBackDoor,
  startRedisCluster,
  startUpstash,
  type BackDoor,
  type RunningRedisCluster,
  type UpstashServer,
} from '@temporal-redis-storage/testing';
import { CLUSTER_SHAPES, SINGLE_SHAPES, type OpenClient } from '../client-shapes';

const PayloadProto = temporal.api.common.v1.Payload;

const SHAPES = { ...SINGLE_SHAPES, ...CLUSTER_SHAPES };
const names = Object.keys(SHAPES);
const pairs = names.flatMap((writer) => names.map((reader) => [writer, reader] as const));

/** A cluster of one node serves clients that know of clusters and clients that don't. */
let cluster: RunningRedisCluster;
let upstash: UpstashServer;
let backDoor: BackDoor;
const open = new Map<string, OpenClient>();

beforeAll(async () => {
  cluster = await startRedisCluster({ masters: 1, replicasPerMaster: 0 });
  const [redis] = cluster.nodes;
  upstash = await startUpstash({ redis: redis! });
  backDoor = await openBackDoor(redis!.url);
  for (const [name, shape] of Object.entries(SHAPES)) {
    const client = shape({ host: redis!.host, port: redis!.port, upstash });
    await client.connected;
    open.set(name, client);
  }
});

afterAll(async () => {
  for (const client of open.values()) client.close();
  await backDoor?.close();
  await upstash?.stop();
  await cluster?.stop();
});

/** The same configuration for every client, but for what the test is about. */
function createDriver(name: string, options: { keyPrefix: string; ttl?: number }): RedisStorageDriver {
  return new RedisStorageDriver({ client: open.get(name)!.client, ...options });
}

function createRandomPayload(): Payload {
  return { metadata: { encoding: Buffer.from('binary/plain'), ключ: randomBytes(16) }, data: randomBytes(70_000) };
}

function encodePayload(payload: Payload): Buffer {
  return Buffer.from(PayloadProto.encode(payload).finish());
}

describe.each(pairs)('what %s wrote, %s', (writer, reader) => {
  const target = { kind: 'workflow', namespace: 'ns/1', id: "it's 100% (ü):*", runId: 'r', type: 'T' } as const;

  it('reads, neither overwrites nor gives another TTL, and claims alike', async () => {
    const keyPrefix = `test:${randomUUID()}`;
    const payloads = [createRandomPayload(), createRandomPayload()];

    const claims = await createDriver(writer, { keyPrefix, ttl: 600_000 }).store({ target }, payloads);
    const again = createDriver(reader, { keyPrefix, ttl: 1000 });
    expect(await again.store({ target }, payloads)).toEqual(claims);
    const back = await again.retrieve({}, claims);

    expect(back.map((payload, i) => encodePayload(payload).equals(encodePayload(payloads[i]!)))).toEqual([true, true]);
    for (const [i, claim] of claims.entries()) {
      const key = claim.claimData['key']!;
      expect(encodePayload(payloads[i]!).equals((await backDoor.read(key))!)).toBe(true);
      const ttlMs = await backDoor.ttlMs(key);
      expect(ttlMs).toBeGreaterThan(500_000);
      expect(ttlMs).toBeLessThanOrEqual(600_000);
    }
  });

  it('leaves without a TTL if it has none', async () => {
    const keyPrefix = `test:${randomUUID()}`;
    const payload = createRandomPayload();
    const [claim] = await createDriver(writer, { keyPrefix }).store({}, [payload]);
    await createDriver(reader, { keyPrefix, ttl: 1000 }).store({}, [payload]);
    expect(await backDoor.ttlMs(claim!.claimData['key']!)).toBeUndefined();
  });
});
