import { setTimeout as sleep } from 'node:timers/promises';
import { isNativeError } from 'node:util/types';

/** In milliseconds: before the second attempt, and at most. */
const FIRST_DELAY = 100;
const MAX_DELAY = 1000;

/**
 * How Redis begins a refusal that passes: it starts, fails over, moves a slot, runs a script or misses its replicas.
 * Before it may be a script's words, or an HTTP status.
 */
const TRANSIENT_REFUSAL = /(?:^|\s-|\): )(?:LOADING|READONLY|MASTERDOWN|NOREPLICAS|CLUSTERDOWN|TRYAGAIN|BUSY)\s/;

/**
 * Repeats a request, which must be idempotent, up to `maxAttempts` times in all, while it fails by what `isTransient`
 * says may pass; the waits in between double and have jitter. Rejects with the last failure, or as soon as `abortSignal`
 * aborts.
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

/** Whether Redis itself refused a request for a reason that passes, whichever library tells it. */
export function isTransientRefusal(error: unknown): boolean {
  return isNativeError(error) && TRANSIENT_REFUSAL.test(error.message);
}
