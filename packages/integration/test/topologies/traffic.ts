import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Payload, StorageDriverClaim } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import type { RedisStorageDriver } from '@temporal-redis-storage/core';

const PayloadProto = temporal.api.common.v1.Payload;

/** A payload that `store` has acknowledged. */
export interface Acknowledged {
  claim: StorageDriverClaim;
  key: string;
  /** The digest at the end of the key. */
  digest: string;
  /** The bytes that Redis must have under the key. */
  bytes: Buffer;
}

/** A call that rejected. */
interface Failure {
  operation: 'store' | 'retrieve';
  /** The digest at the end of the key, which the message must contain. */
  digest: string;
  error: Error;
}

/** The results of the calls. */
interface Outcome {
  acknowledged: Acknowledged[];
  reads: number;
  failures: Failure[];
  /** Keys whose payloads were read with wrong bytes. */
  wrong: string[];
  /** Calls that didn't settle in time. */
  hung: string[];
}

/** Traffic that runs until `stop` is called. */
export interface Traffic {
  outcome: Outcome;
  /** Stops the traffic. Resolves once every call has settled or counts as hung. */
  stop: () => Promise<void>;
}

const LOOPS = 4;
const SIZES = [100, 10_000, 100_000];
// The driver gives up after 8 seconds.
const HUNG_MS = 20_000;

/** Stores payloads with one driver and reads new and old ones with another, in several concurrent loops. */
export function startTraffic(writer: RedisStorageDriver, reader: RedisStorageDriver): Traffic {
  const outcome: Outcome = { acknowledged: [], reads: 0, failures: [], wrong: [], hung: [] };
  const stopping = new AbortController();

  const trackCall = async <T>(
    operation: Failure['operation'],
    digest: string,
    results: Promise<T[]>,
  ): Promise<T | undefined> => {
    const timer = new AbortController();
    try {
      const settled = await Promise.race([results, sleep(HUNG_MS, undefined, { signal: timer.signal })]);
      if (settled === undefined) outcome.hung.push(`${operation} ${digest}`);
      return settled?.[0];
    } catch (error) {
      outcome.failures.push({ operation, digest, error: error as Error });
      return undefined;
    } finally {
      timer.abort();
    }
  };

  const read = async ({ claim, key, digest, bytes }: Acknowledged): Promise<void> => {
    const payload = await trackCall('retrieve', digest, reader.retrieve({}, [claim]));
    if (payload === undefined) return;
    outcome.reads++;
    if (!encodePayload(payload).equals(bytes)) outcome.wrong.push(key);
  };

  const runLoop = async (): Promise<void> => {
    for (let round = 0; !stopping.signal.aborted; round++) {
      const payload = { data: randomBytes(SIZES[round % SIZES.length]!) };
      const bytes = encodePayload(payload);
      const digest = createHash('sha256').update(bytes).digest('hex');
      const claim = await trackCall('store', digest, writer.store({}, [payload]));
      if (claim !== undefined) {
        const stored = { claim, key: claim.claimData['key']!, digest, bytes };
        outcome.acknowledged.push(stored);
        await read(stored);
        await read(outcome.acknowledged[Math.floor(Math.random() * outcome.acknowledged.length)]!);
      }
      await sleep(40);
    }
  };

  const loops = Array.from({ length: LOOPS }, runLoop);
  return {
    outcome,
    stop: async () => {
      stopping.abort();
      await Promise.all(loops);
    },
  };
}

/** Encodes a payload as the bytes that Redis must have. */
export function encodePayload(payload: Payload): Buffer {
  return Buffer.from(PayloadProto.encode(payload).finish());
}
