import { isNativeError } from 'node:util/types';
import { sleep } from './timers';

/** Delays between attempts, in milliseconds: the first, and the longest. */
const FIRST_DELAY = 100;
const MAX_DELAY = 1000;

/**
 * Error prefixes of transient Redis replies: loading, failover, slot migration, busy script, missing replicas, too many
 * connections during a deployment. A script's
 * words or an HTTP status may stand before them.
 */
const TRANSIENT_REFUSAL =
  /(?:^|\s-|\): )(?:LOADING|READONLY|MASTERDOWN|NOREPLICAS|CLUSTERDOWN|TRYAGAIN|BUSY|ERR max number of clients reached)(?:\s|$)/;

/**
 * Makes an idempotent request up to `maxAttempts` times, as long as it fails with errors that `isTransient` accepts. The
 * delays in between double and have jitter. Rejects with the last error, or as soon as `abortSignal` aborts.
 */
export async function withRetries<Result>(
  { maxAttempts, isTransient }: { maxAttempts: number; isTransient: (error: unknown) => boolean },
  abortSignal: AbortSignal,
  request: () => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await request();
    } catch (error) {
      if (attempt >= maxAttempts || abortSignal.aborted || !isTransient(error)) throw error;
    }
    const delay = Math.min(FIRST_DELAY * 2 ** (attempt - 1), MAX_DELAY);
    await sleep(delay * (0.5 + Math.random() / 2), undefined, { signal: abortSignal });
  }
}

/** Whether the error is a transient refusal by Redis itself, whichever library reports it. */
export function isTransientRefusal(error: unknown): boolean {
  return isNativeError(error) && TRANSIENT_REFUSAL.test(error.message);
}
