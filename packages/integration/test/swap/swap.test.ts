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
const PAIRS = names.flatMap((writer) => names.map((reader) => [writer, reader] as const));

/** A cluster of one node serves both cluster clients and other clients. */
let cluster: RunningRedisCluster;
let upstash: UpstashServer;
let backDoor: BackDoor;
const opened = new Map<string, OpenClient>();

beforeAll(async () => {
  cluster = await startRedisCluster({ masters: 1, replicasPerMaster: 0 });
  const [redis] = cluster.nodes;
  upstash = await startUpstash({ redis: redis! });
  backDoor = await openBackDoor(redis!.url);
  for (const [name, open] of Object.entries(SHAPES)) {
    const client = open({ host: redis!.host, port: redis!.port, upstash });
    await client.connected;
    opened.set(name, client);
  }
});

afterAll(async () => {
  for (const client of opened.values()) client.close();
  await backDoor?.close();
  await upstash?.stop();
  await cluster?.stop();
});

/** Creates a driver whose configuration differs only in the client and the given options. */
function createDriver(name: string, options: { keyPrefix: string; ttl?: number }): RedisStorageDriver {
  return new RedisStorageDriver({ client: opened.get(name)!.client, ...options });
}

function createRandomPayload(): Payload {
  return { metadata: { encoding: Buffer.from('binary/plain'), ключ: randomBytes(16) }, data: randomBytes(70_000) };
}

function encodePayload(payload: Payload): Buffer {
  return Buffer.from(PayloadProto.encode(payload).finish());
}

describe.each(PAIRS)('payloads written by %s and used by %s', (writer, reader) => {
  const target = { kind: 'workflow', namespace: 'ns/1', id: "it's 100% (ü):*", runId: 'r', type: 'T' } as const;

  it('are read unchanged, and storing them again returns the same claims and keeps value and TTL', async () => {
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

  it('stay without a TTL when they are stored again with a TTL', async () => {
    const keyPrefix = `test:${randomUUID()}`;
    const payload = createRandomPayload();
    const [claim] = await createDriver(writer, { keyPrefix }).store({}, [payload]);
    await createDriver(reader, { keyPrefix, ttl: 1000 }).store({}, [payload]);
    expect(await backDoor.ttlMs(claim!.claimData['key']!)).toBeUndefined();
  });
});
