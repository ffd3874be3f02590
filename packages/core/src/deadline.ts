import { onAbort, untilAborted } from './abort';
import { TimeoutError } from './errors';
import { clearTimeout, setTimeout } from './timers';

/**
 * Rejects with a {@link TimeoutError} after `timeoutMs` milliseconds, or with the signal's reason once it aborts, even if
 * `request` never settles. The signal that `request` gets aborts in both cases, so that a library can cancel its command.
 */
export async function withDeadline<T>(
  timeoutMs: number,
  abortSignal: AbortSignal,
  request: (abortSignal: AbortSignal) => Promise<T>,
): Promise<T> {
  abortSignal.throwIfAborted();
  const controller = new AbortController();
  const stopListening = onAbort(abortSignal, (reason) => controller.abort(reason));
  const timer = setTimeout(() => controller.abort(createTimeoutError(timeoutMs)), timeoutMs);
  try {
    return await untilAborted(controller.signal, request(controller.signal));
  } finally {
    clearTimeout(timer);
    stopListening();
  }
}

function createTimeoutError(timeoutMs: number): TimeoutError {
  return new TimeoutError(`Redis did not answer within ${timeoutMs} ms (requestTimeout)`);
}
