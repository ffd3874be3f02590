import type { Payload, StorageDriverClaim } from '@temporalio/common';

/** In SDKs after 1.24, the context of a store or retrieve limits how many items are under way at once. */
interface LimitedContext {
  limiter?: { permit<T>(item: Payload | StorageDriverClaim, operation: () => Promise<T>): Promise<T> };
}

/**
 * Runs an operation on one payload or claim with a permit of the SDK, or at once if the SDK has no limiter. The permit is
 * taken first, before bytes in flight are reserved: a permit awaited with reserved bytes would make other requests wait.
 */
export function withPermit<T>(
  context: object,
  item: Payload | StorageDriverClaim,
  abortSignal: AbortSignal,
  operation: () => Promise<T>,
): Promise<T> {
  const { limiter } = context as LimitedContext;
  if (limiter === undefined) return operation();
  return limiter.permit(item, async () => {
    abortSignal.throwIfAborted();
    return operation();
  });
}
