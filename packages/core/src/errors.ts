/** The driver's two operations, as error messages and {@link RedisStorageDriverError.operation} name them. */
export type RedisStorageDriverOperation = 'store' | 'retrieve';

/**
 * Redis could not be reached, refused a request, or did not answer in time; `cause` is the original error. Safe to retry.
 *
 * @experimental
 */
export class RedisStorageDriverError extends Error {
  override name = 'RedisStorageDriverError';
  readonly operation: RedisStorageDriverOperation;
  /** The Redis key; undefined if the payload was still waiting for capacity, before its key was known. */
  readonly key: string | undefined;

  constructor(
    message: string,
    { operation, key, cause }: { operation: RedisStorageDriverOperation; key?: string | undefined; cause?: unknown },
  ) {
    super(message, { cause });
    this.operation = operation;
    this.key = key;
  }
}

/**
 * The bytes of requests that Redis did not answer in time, and that the Redis library still holds, leave no room for another
 * request. Always the `cause` of a {@link RedisStorageDriverError}.
 *
 * @experimental
 */
export class CapacityError extends Error {
  override name = 'CapacityError';
}

/**
 * One Redis operation took longer than `requestTimeout`, or waited that long for capacity while no other request
 * completed. Always the `cause` of a {@link RedisStorageDriverError}; its own `cause` is the last failure that the driver
 * retried, if any.
 *
 * @experimental
 */
export class TimeoutError extends Error {
  override name = 'TimeoutError';
}
