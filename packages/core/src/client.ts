/**
 * Per-request options.
 *
 * @experimental
 */
export interface RedisRequestOptions {
  /**
   * Aborts the request. One that is aborted already rejects with the signal's reason before any I/O; a command that
   * is on its way may still be carried out, which is harmless because keys are content-addressed.
   */
  abortSignal?: AbortSignal;
}

/**
 * Options of {@link RedisStorageDriverClient.setIfAbsent}.
 *
 * @experimental
 */
export interface RedisSetOptions extends RedisRequestOptions {
  /** Time to live of a key that is inserted, in whole milliseconds, at least 1. Without it the key never expires. */
  ttlMs?: number;
}

/**
 * The Redis operations that {@link RedisStorageDriver} needs. Each adapter package implements them over one Redis
 * library; the connection stays its owner's to build, connect and close.
 *
 * @experimental
 */
export interface RedisStorageDriverClient {
  /**
   * Reads the bytes stored at `key`, exactly as they were written. Resolves to `null` only if the primary says that
   * the key is absent: a replica's miss may be mere lag, and the driver's answer to a miss is final. Rejects with the
   * library's own error if the read fails, or if the primary can't be asked.
   */
  get(key: string, options?: RedisRequestOptions): Promise<Uint8Array | null>;

  /**
   * Stores `data` at `key` in one atomic step unless the key exists, whose value and TTL then stay as they are.
   * Resolves to whether it inserted. Payloads are content-addressed, so a key that exists holds these very bytes, and
   * `false` is a success too.
   */
  setIfAbsent(key: string, data: Uint8Array, options?: RedisSetOptions): Promise<boolean>;

  /**
   * Whether the primary has `key`. Optional: with it the driver spares large payloads that Redis has already their way,
   * as no `setIfAbsent` is sent. A replica's answer won't do: what it still has, the primary may have lost.
   */
  exists?(key: string, options?: RedisRequestOptions): Promise<boolean>;

  /**
   * Whether a request that failed by `error` may well succeed if it is made again, and the library hasn't done so by
   * itself: a connection that was lost with the request on its way, say. Refusals by which Redis itself asks for
   * patience (`LOADING`, `READONLY`, …) the driver knows. Without it nothing else is retried.
   */
  isTransient?(error: unknown): boolean;

  /**
   * Where this client is connected to (host and port, say), as pairs that the driver appends to its error messages.
   * Never credentials.
   */
  describe?(): Record<string, string>;
}
