import { TimeoutError } from './errors';

/**
 * Runs one request and settles in time, whatever it does: rejects with a {@link TimeoutError} once `timeoutMs` have
 * passed, and with the signal's reason as soon as `abortSignal` aborts. The signal that the request gets aborts in both
 * cases, so that a library that can take its command back does.
 */
export async function withDeadline<T>(
  timeoutMs: number,
  abortSignal: AbortSignal,
  request: (abortSignal: AbortSignal) => Promise<T>,
): Promise<T> {
  abortSignal.throwIfAborted();
  const controller = new AbortController();
  const stopped = new Promise<never>((_resolve, reject) => {
    controller.signal.addEventListener('abort', () => reject(controller.signal.reason as Error));
  });
  const onAbort = (): void => controller.abort(abortSignal.reason);
  abortSignal.addEventListener('abort', onAbort);
  const timer = setTimeout(() => controller.abort(createTimeoutError(timeoutMs)), timeoutMs);
  try {
    return await Promise.race([request(controller.signal), stopped]);
  } finally {
    clearTimeout(timer);
    abortSignal.removeEventListener('abort', onAbort);
  }
}

function createTimeoutError(timeoutMs: number): TimeoutError {
  return new TimeoutError(`Redis did not answer within ${timeoutMs} ms (requestTimeout)`);
}
