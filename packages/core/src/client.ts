/**
 * Per-request options.
 *
 * @experimental
 */
export interface RedisRequestOptions {
  /**
   * Aborts the request. If it is already aborted, the request rejects with the signal's reason before any I/O. A command
   * that was already sent may still be executed, which is harmless because keys are content-addressed.
   */
  abortSignal?: AbortSignal;
}

/**
 * Options of {@link RedisStorageDriverClient.setIfAbsent}.
 *
 * @experimental
 */
export interface RedisSetOptions extends RedisRequestOptions {
  /** Time to live of an inserted key, in whole milliseconds, at least 1. Without it the key never expires. */
  ttlMs?: number;
}

/**
 * Options of {@link RedisStorageDriverClient.exists}.
 *
 * @experimental
 */
export interface RedisExistsOptions extends RedisRequestOptions {
  /** The size that the value must have, in bytes. Without it any value counts. */
  size?: number;
}

/**
 * The Redis operations that {@link RedisStorageDriver} needs. Each adapter package implements them over one Redis
 * library; the caller builds, connects and closes the connection.
 *
 * @experimental
 */
export interface RedisStorageDriverClient {
  /**
   * Reads the bytes stored at `key`, exactly as they were written. Resolves to `null` only if the primary says that
   * the key is absent: a replica may lag behind, and the driver treats a miss as final. Rejects with the library's own
   * error if the read fails, or if the primary can't be asked.
   */
  get(key: string, options?: RedisRequestOptions): Promise<Uint8Array | null>;

  /**
   * Stores `data` at `key` in one atomic step, unless the key exists; an existing key keeps its value and TTL. Resolves
   * to true if the key was inserted. Payloads are content-addressed, so an existing key holds the same bytes, and
   * `false` is a success too.
   */
  setIfAbsent(key: string, data: Uint8Array, options?: RedisSetOptions): Promise<boolean>;

  /**
   * Optional. Whether `key` exists, with a value of `size` bytes if that is given. Lets the driver skip sending a large payload
   * that Redis already has, and notice a key that holds something else. Must ask the primary, because a replica may still hold
   * a key that the primary has lost, and must change nothing.
   */
  exists?(key: string, options?: RedisExistsOptions): Promise<boolean>;

  /**
   * Optional. Makes `key` live at least `ttlMs` milliseconds from now on, a whole number of at least 1. Never shortens a TTL,
   * and never gives one to a key without. Must ask the primary. Resolves to false if the key is absent. Without this method,
   * the driver's option `extendTtl` can't be used.
   */
  extendTtl?(key: string, ttlMs: number, options?: RedisRequestOptions): Promise<boolean>;

  /**
   * Optional. True if neither this client nor its library reads `data` any more once `setIfAbsent` has resolved: the
   * driver then uses the same memory for the next payload. Without it, each payload gets new memory.
   */
  readonly releasesData?: boolean;

  /**
   * Optional. Whether `error` is transient and the library has not already retried it: a connection that was lost during
   * the request, for example. The driver itself knows the transient replies of Redis (`LOADING`, `READONLY`, …), and
   * without this method it retries only those.
   */
  isTransient?(error: unknown): boolean;

  /**
   * Optional. Where this client is connected to (host and port, for example), as pairs that the driver appends to its
   * error messages. Never credentials.
   */
  describe?(): Record<string, string>;
}
