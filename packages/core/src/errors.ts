/**
 * Redis could not be asked, refused, or did not answer in time; `cause` is the original error. Safe to retry.
 *
 * @experimental
 */
export class RedisStorageDriverError extends Error {
  override name = 'RedisStorageDriverError';
}

/**
 * One Redis operation took longer than `requestTimeout`. Always the `cause` of a {@link RedisStorageDriverError} that
 * names the key.
 *
 * @experimental
 */
export class TimeoutError extends RedisStorageDriverError {
  override name = 'TimeoutError';

  constructor(timeoutMs: number) {
    super(`Redis did not answer within ${timeoutMs} ms (requestTimeout)`);
  }
}
