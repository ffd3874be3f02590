import { tracingChannel, type TracingChannel } from 'node:diagnostics_channel';
import type { StorageDriverTargetInfo } from '@temporalio/common';
import type { RedisStorageDriverOperation } from './errors';
import type { StoreOutcome } from './store-once';
import { now } from './timers';

/**
 * What became of one payload. `not_found`, `corrupt` (the stored bytes don't match the claim), `aborted` (by the caller, or because
 * another payload of the same call failed) and `failed` (everything else) come with an error.
 *
 * @experimental
 */
export type StorageOutcome = StoreOutcome | 'read' | 'not_found' | 'corrupt' | 'aborted' | 'failed';

/**
 * What subscribers of the tracing channels `temporal-redis-storage:store` and `temporal-redis-storage:retrieve` get, for
 * each payload: one object, which is complete when `asyncEnd` is published. Never any of the payload's content.
 *
 * @experimental
 */
export interface StorageTrace {
  driverName: string;
  /** The Redis key. Undefined as long as a payload to store isn't hashed. */
  key?: string | undefined;
  /** Bytes of the serialized payload. Undefined if a claim doesn't give it and the payload isn't read yet. */
  size?: number | undefined;
  /** The workflow or activity that the payload belongs to; undefined if there is none. */
  target?: StorageDriverTargetInfo | undefined;
  /** Undefined until the end. */
  outcome?: StorageOutcome;
  /** Requests to Redis, retries included. 0 for a payload that equals another one of the same call. */
  attempts: number;
  /** Milliseconds of waiting for a permit of the SDK and for `maxBytesInFlight`. */
  queuedMs: number;
  /** Milliseconds from the first request to Redis until the last reply. */
  requestMs: number;
  /** Milliseconds in all: `queuedMs`, copying, hashing, and `requestMs`. */
  durationMs: number;
  /** Why it failed. */
  error?: unknown;
}

/** The tracing channels by operation. */
export const CHANNELS = {
  store: tracingChannel<unknown, StorageTrace>('temporal-redis-storage:store'),
  retrieve: tracingChannel<unknown, StorageTrace>('temporal-redis-storage:retrieve'),
};

/** Fills in a {@link StorageTrace}, while somebody listens. */
export class TraceRecorder {
  private readonly startedAt = now();

  constructor(readonly trace: StorageTrace) {}

  set(values: Partial<StorageTrace>): void {
    Object.assign(this.trace, values);
  }

  endQueue(): void {
    this.trace.queuedMs = now() - this.startedAt;
  }

  countAttempt(): void {
    this.trace.attempts++;
  }

  end(): void {
    this.trace.durationMs = now() - this.startedAt;
  }
}

/**
 * Runs the operation on one payload, and publishes a trace of it. If nobody listens, nothing else happens, and `run` gets
 * undefined. `start` answers what is known at the beginning.
 */
export async function withTrace<T>(
  operation: RedisStorageDriverOperation,
  abortSignal: AbortSignal,
  start: () => Pick<StorageTrace, 'driverName' | 'key' | 'size' | 'target'>,
  run: (recorder: TraceRecorder | undefined) => Promise<T>,
): Promise<T> {
  const channel = CHANNELS[operation];
  if (!hasSubscribers(channel)) return run(undefined);
  const recorder = new TraceRecorder({ ...start(), attempts: 0, queuedMs: 0, requestMs: 0, durationMs: 0 });
  const { trace } = recorder;
  const results: T[] = [];
  // The channel publishes what the traced function resolves to, which must not be the payload.
  await channel.tracePromise(async () => {
    try {
      results.push(await run(recorder));
    } catch (error) {
      trace.outcome ??= abortSignal.aborted && error === abortSignal.reason ? 'aborted' : 'failed';
      throw error;
    } finally {
      recorder.end();
    }
  }, trace);
  return results[0]!;
}

/** A tracing channel has a property of this name only since Node 20.13. */
function hasSubscribers({ start, end, asyncStart, asyncEnd, error }: TracingChannel<unknown, StorageTrace>): boolean {
  return (
    start.hasSubscribers ||
    end.hasSubscribers ||
    asyncStart.hasSubscribers ||
    asyncEnd.hasSubscribers ||
    error.hasSubscribers
  );
}
