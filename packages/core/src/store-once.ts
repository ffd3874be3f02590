import { untilAborted } from './abort';
import type { RedisStorageDriverClient } from './client';

/** From this many bytes on, asking whether Redis has a payload costs less than sending it for nothing now and then. */
const PROBE_SIZE = 4 * 1024 * 1024;

/** A key that was there may be gone a moment later, but not again and again. */
const MAX_ROUNDS = 3;

/**
 * What became of a payload to store: Redis had no such key, had it already, or had it and now keeps it longer.
 *
 * @experimental
 */
export type StoreOutcome = 'inserted' | 'present' | 'extended';

/** A payload to store, and how. */
export interface StoreRequest {
  key: string;
  bytes: Uint8Array;
  ttlMs: number | undefined;
  extendTtl: boolean;
  /** The client's own method, watched. */
  setIfAbsent: RedisStorageDriverClient['setIfAbsent'];
  /** Whether the whole request is to be made again after this error. */
  isTransient: (error: unknown) => boolean;
}

/**
 * Makes sure that Redis has the payload at its key. Sends a large one only if Redis doesn't have it yet. Never waits for a
 * library that doesn't settle after an abort, because whoever waits here holds the payload.
 */
export async function storeOnce(
  client: RedisStorageDriverClient,
  { key, bytes, ttlMs, extendTtl, setIfAbsent, isTransient }: StoreRequest,
  abortSignal: AbortSignal,
): Promise<StoreOutcome> {
  const setOptions = { abortSignal, ...(ttlMs !== undefined && { ttlMs }) };
  let isPresent = bytes.length >= PROBE_SIZE && (await isStored()) === true;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (!isPresent) {
      if (await setIfAbsent(key, bytes, setOptions)) return 'inserted';
      // If it can't be asked, the key counts: it holds the digest of its value.
      isPresent = (await isStored()) !== false;
    }
    if (isPresent) {
      if (!extendTtl || ttlMs === undefined) return 'present';
      if (await untilAborted(abortSignal, client.extendTtl?.(key, ttlMs, { abortSignal }))) return 'extended';
      isPresent = false;
    }
  }
  throw new Error(
    `Redis has another value than this payload of ${bytes.length} bytes, or loses it each time: look at the key, and delete it`,
  );

  /** Whether Redis has a value of the payload's size; undefined if that can't be asked. */
  async function isStored(): Promise<boolean | undefined> {
    try {
      return await untilAborted(abortSignal, client.exists?.(key, { abortSignal, size: bytes.length }));
    } catch (error) {
      abortSignal.throwIfAborted();
      if (isTransient(error)) throw error;
      return undefined;
    }
  }
}
