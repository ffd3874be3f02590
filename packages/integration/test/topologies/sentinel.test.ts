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
import { demoteMaster, killMaster, requireFollower } from './failover';
import { encodePayload, startTraffic, type Acknowledged, type Traffic } from './traffic';

jest.setTimeout(120_000);

/** Who writes and who reads. */
const PAIRS = [
  ['node-redis', 'node-redis'],
  ['node-redis', 'ioredis'],
  ['ioredis', 'ioredis'],
  ['ioredis, detecting failovers', 'node-redis, reading from replicas'],
] as const;

/** Traffic of a pair, and the driver that reads. */
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
] as const)('%s: what Redis still has can be read, and was never said to be gone', async (_, failOver) => {
  servers = await startRedisSentinel({ replicas: 2 });
  await requireFollower(servers.nodes);
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
    const { kept, lost, altered } = await getFate(acknowledged, backDoor);
    const digests = (list: { digest: string }[]): string[] => list.map(({ digest }) => digest);
    const messages = (list: { error: Error }[]): string[] => list.map(({ error }) => error.message);
    const saidToBeGone = failures.filter(({ error }) => isNotFound(error));
    const otherFailures = failures.filter(({ error }) => !isNotFound(error));
    const unexpected = {
      wrong,
      hung,
      altered: digests(altered),
      lostAfterwards: digests(acknowledged.slice(acknowledgedBefore[i]).filter((each) => lost.includes(each))),
      wronglySaidToBeGone: digests(saidToBeGone).filter((digest) => digests(kept).includes(digest)),
      withoutKey: messages(failures.filter(({ digest, error }) => !error.message.includes(digest))),
      ofAnotherKind: messages(otherFailures.filter(({ error }) => !(error instanceof RedisStorageDriverError))),
    };
    const nothing = Object.fromEntries(Object.keys(unexpected).map((name) => [name, []]));
    expect({ pair, ...unexpected }).toEqual({ pair, ...nothing });

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

/** Waits until every pair has stored and read some more. */
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

interface Fate {
  kept: Acknowledged[];
  lost: Acknowledged[];
  /** Kept, but not as it was stored. */
  altered: Acknowledged[];
}

/** What became of payloads in Redis itself. */
async function getFate(acknowledged: Acknowledged[], redis: BackDoor): Promise<Fate> {
  const fate: Fate = { kept: [], lost: [], altered: [] };
  for (const each of acknowledged) {
    const value = await redis.read(each.key);
    if (value === null) fate.lost.push(each);
    else if (each.bytes.equals(value)) fate.kept.push(each);
    else fate.altered.push(each);
  }
  return fate;
}

function isNotFound(error: Error): boolean {
  return error instanceof ApplicationFailure && error.type === 'PayloadNotFoundError';
}

function listClaims(acknowledged: Acknowledged[]): StorageDriverClaim[] {
  return acknowledged.map(({ claim }) => claim);
}
