import { randomUUID } from 'node:crypto';
import { ApplicationFailure, type StorageDriverClaim } from '@temporalio/common';
import { RedisStorageDriver, RedisStorageDriverError } from '@temporal-redis-storage/core';
import {
  openBackDoor,
  startRedisSentinel,
  type BackDoor,
  type RunningRedisSentinel,
} from '@temporal-redis-storage/testing';
import { waitUntil } from '../../../testing/src/wait-until';
import { SENTINEL_CLIENTS, type OpenClient } from '../client-shapes';
import { demoteMaster, killMaster, requireReplica } from './failover';
import { encodePayload, startTraffic, type Acknowledged, type Traffic } from './traffic';

jest.setTimeout(120_000);

/** Pairs of a writing and a reading client. */
const PAIRS = [
  ['node-redis', 'node-redis'],
  ['node-redis', 'ioredis'],
  ['ioredis', 'ioredis'],
  ['ioredis, detecting failovers', 'node-redis, reading from replicas'],
] as const;

/** The traffic of a pair, and its reading driver. */
interface PairTraffic extends Traffic {
  pair: string;
  reader: RedisStorageDriver;
}

let servers: RunningRedisSentinel | undefined;
let backDoor: BackDoor | undefined;
const clients: OpenClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  await backDoor?.close();
  await servers?.stop();
});

it.each([
  ['the master is demoted', demoteMaster],
  ['the master is killed', killMaster],
] as const)('%s: payloads that Redis still has are readable and were never reported missing', async (_, failOver) => {
  servers = await startRedisSentinel({ replicas: 2 });
  await requireReplica(servers.nodes);
  const traffics: PairTraffic[] = [];
  let acknowledgedBefore: number[];
  try {
    for (const [writer, reader] of PAIRS) traffics.push(await startPair(servers, writer, reader));
    await waitForProgress(traffics);
    const master = await failOver(servers);
    backDoor = await openBackDoor(`redis://${master.host}:${master.port}`);
    await waitForProgress(traffics);
    acknowledgedBefore = traffics.map(({ outcome }) => outcome.acknowledged.length);
    await waitForProgress(traffics);
  } finally {
    await Promise.all(traffics.map(({ stop }) => stop()));
  }

  for (const [i, { pair, reader, outcome }] of traffics.entries()) {
    const { wrong, hung, acknowledged, failures } = outcome;
    const { kept, lost, altered } = await checkStored(acknowledged, backDoor);
    const digests = (list: { digest: string }[]): string[] => list.map(({ digest }) => digest);
    const messages = (list: { error: Error }[]): string[] => list.map(({ error }) => error.message);
    const reportedMissing = failures.filter(({ error }) => isNotFound(error));
    const otherFailures = failures.filter(({ error }) => !isNotFound(error));
    const unexpected = {
      wrong,
      hung,
      altered: digests(altered),
      lostAfterFailover: digests(acknowledged.slice(acknowledgedBefore[i]).filter((each) => lost.includes(each))),
      wronglyReportedMissing: digests(reportedMissing).filter((digest) => digests(kept).includes(digest)),
      withoutKey: messages(failures.filter(({ digest, error }) => !error.message.includes(digest))),
      unexpectedErrors: messages(otherFailures.filter(({ error }) => !(error instanceof RedisStorageDriverError))),
    };
    const empty = Object.fromEntries(Object.keys(unexpected).map((name) => [name, []]));
    expect({ pair, ...unexpected }).toEqual({ pair, ...empty });

    const payloads = await reader.retrieve({}, listClaims(kept));
    expect(payloads.every((payload, k) => encodePayload(payload).equals(kept[k]!.bytes))).toBe(true);
    for (const claim of listClaims(lost)) {
      await expect(reader.retrieve({}, [claim])).rejects.toMatchObject({ type: 'PayloadNotFoundError' });
    }
  }
});

async function startPair(sentinel: RunningRedisSentinel, writer: string, reader: string): Promise<PairTraffic> {
  const keyPrefix = `test:${randomUUID()}`;
  const openDriver = async (name: string): Promise<RedisStorageDriver> => {
    const open = await SENTINEL_CLIENTS[name]!(sentinel);
    clients.push(open);
    return new RedisStorageDriver({ client: open.client, keyPrefix });
  };
  const [writing, reading] = [await openDriver(writer), await openDriver(reader)];
  return { pair: `${writer} → ${reader}`, reader: reading, ...startTraffic(writing, reading) };
}

/** Waits until every pair has stored and read more payloads. */
async function waitForProgress(traffics: Traffic[]): Promise<void> {
  const goals = traffics.map(({ outcome }) => ({
    outcome,
    stored: outcome.acknowledged.length + 20,
    reads: outcome.reads + 20,
  }));
  await waitUntil('every pair has stored and read more', goals, async ({ outcome, stored, reads }) => {
    return outcome.acknowledged.length >= stored && outcome.reads >= reads;
  });
}

/** Acknowledged payloads by their state in Redis. */
interface StoredPayloads {
  kept: Acknowledged[];
  lost: Acknowledged[];
  /** Payloads with other bytes than were stored. */
  altered: Acknowledged[];
}

/** Compares acknowledged payloads with the data in Redis. */
async function checkStored(acknowledged: Acknowledged[], redis: BackDoor): Promise<StoredPayloads> {
  const result: StoredPayloads = { kept: [], lost: [], altered: [] };
  for (const each of acknowledged) {
    const value = await redis.read(each.key);
    if (value === null) result.lost.push(each);
    else if (each.bytes.equals(value)) result.kept.push(each);
    else result.altered.push(each);
  }
  return result;
}

function isNotFound(error: Error): boolean {
  return error instanceof ApplicationFailure && error.type === 'PayloadNotFoundError';
}

function listClaims(acknowledged: Acknowledged[]): StorageDriverClaim[] {
  return acknowledged.map(({ claim }) => claim);
}
