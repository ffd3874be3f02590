/**
 * Redis could not be asked, refused, or did not answer in time; `cause` is the original error. Safe to retry.
 *
 * @experimental
 */
export class RedisStorageDriverError extends Error {
  override name = 'RedisStorageDriverError';
}

/**
 * One Redis operation took longer than `requestTimeout`, or waited that long for others, of which none got through.
 * Always the `cause` of a {@link RedisStorageDriverError}; its own `cause` is the failure that was last retried, if any.
 *
 * @experimental
 */
export class TimeoutError extends RedisStorageDriverError {
  override name = 'TimeoutError';
}
