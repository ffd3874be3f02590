import { isNativeError, isUint8Array } from 'node:util/types';
import { ByteSemaphore } from './byte-semaphore';
import type { RedisStorageDriverClient } from './client';
import { withDeadline } from './deadline';
import { RedisStorageDriverError, TimeoutError, type RedisStorageDriverOperation } from './errors';
import { formatKey } from './format-value';
import type { ResolvedOptions } from './options';
import { redactArguments } from './redact-arguments';
import { isTransientRefusal, withRetries } from './retry';

/** From this many bytes on, asking whether Redis has a payload costs less than sending it for nothing now and then. */
const PROBE_SIZE = 4 * 1024 * 1024;

/** Runs a function after a buffer was garbage-collected. */
const COLLECTED = new FinalizationRegistry<() => void>((release) => release());

/** What a request is about, for its error. */
interface RequestInfo {
  operation: RedisStorageDriverOperation;
  key?: string | undefined;
}

/** Sends the driver's requests to Redis: bounded in bytes, each within its deadline, retried, with errors that say where. */
export class RedisRequests {
  private readonly semaphore: ByteSemaphore;

  constructor(private readonly options: ResolvedOptions) {
    this.semaphore = new ByteSemaphore(options.maxBytesInFlight, options.requestTimeoutMs);
  }

  /** Runs a task once its bytes fit into `maxBytesInFlight`. */
  async withCapacity<T>(
    bytes: number,
    info: RequestInfo,
    abortSignal: AbortSignal,
    task: () => Promise<T>,
  ): Promise<T> {
    const release = await this.acquire(bytes, info, abortSignal);
    try {
      const result = await task();
      this.semaphore.recordProgress();
      return result;
    } finally {
      release();
    }
  }

  /** Writes `bytes` unless Redis has the key already. */
  async write(key: string, bytes: Uint8Array, abortSignal: AbortSignal): Promise<void> {
    const { client, ttlMs } = this.options;
    let pending: Promise<unknown> | undefined;
    try {
      await this.send({ operation: 'store', key }, abortSignal, async (requestSignal) => {
        if (bytes.length >= PROBE_SIZE && (await hasKey(client, key, requestSignal))) return;
        const request = client.setIfAbsent(key, bytes, {
          abortSignal: requestSignal,
          ...(ttlMs !== undefined && { ttlMs }),
        });
        pending = request;
        await request;
        pending = undefined;
      });
    } catch (error) {
      if (pending !== undefined) this.holdUntilSettled(bytes, pending, abortSignal.aborted ? 'aborted' : 'unanswered');
      throw error;
    }
  }

  /** The library may keep the bytes of a request that was given up on, so they count until it lets go of them. */
  private holdUntilSettled(
    { buffer, length }: Uint8Array,
    request: Promise<unknown>,
    reason: 'aborted' | 'unanswered',
  ): void {
    const release = this.semaphore.hold(length, reason);
    request.then(release, release);
    // A request may never settle, though nothing refers to it any more.
    COLLECTED.register(buffer, release);
  }

  /** The bytes at `key`, or null if the key is absent. */
  read(key: string, abortSignal: AbortSignal): Promise<Uint8Array | null> {
    return this.send({ operation: 'retrieve', key }, abortSignal, async (requestSignal) => {
      const bytes: unknown = await this.options.client.get(key, { abortSignal: requestSignal });
      if (bytes !== null && !isUint8Array(bytes)) {
        // A text reply has already lost the bytes that aren't UTF-8.
        throw new TypeError(`The client's get must resolve to a Uint8Array or null, got ${typeof bytes}`);
      }
      return bytes;
    });
  }

  private async acquire(bytes: number, info: RequestInfo, abortSignal: AbortSignal): Promise<() => void> {
    try {
      return await this.semaphore.acquire(bytes, abortSignal);
    } catch (error) {
      abortSignal.throwIfAborted();
      throw this.createError(info, error);
    }
  }

  /** Sends one request, with retries, within its deadline. The caller's own abort reason is passed on as it is. */
  private async send<T>(
    info: RequestInfo,
    abortSignal: AbortSignal,
    request: (requestSignal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { client, maxAttempts, requestTimeoutMs } = this.options;
    let lastFailure: unknown;
    const isTransient = (error: unknown): boolean => {
      lastFailure = error;
      return isTransientRefusal(error) || isTransientForClient(client, error);
    };
    try {
      return await withDeadline(requestTimeoutMs, abortSignal, (requestSignal) =>
        withRetries({ maxAttempts, isTransient }, requestSignal, () => request(requestSignal)),
      );
    } catch (error) {
      abortSignal.throwIfAborted();
      if (error instanceof TimeoutError && lastFailure !== undefined) error.cause = lastFailure;
      redactArguments(error);
      explainEmptyMessage(error);
      throw this.createError(info, error);
    }
  }

  private createError({ operation, key }: RequestInfo, cause: unknown): RedisStorageDriverError {
    const pairs = Object.entries({
      ...(key !== undefined && { key: formatKey(key) }),
      ...describeClient(this.options.client),
    });
    const details = pairs.map(([name, value]) => `${name}=${value}`).join(', ');
    const message = `RedisStorageDriver ${operation} failed [${details}]`;
    return new RedisStorageDriverError(message, { operation, key, cause });
  }
}

/** Some libraries reject with an error without a message, when one of their own limits was reached. */
function explainEmptyMessage(error: unknown): void {
  if (!isNativeError(error) || error.message !== '') return;
  const name = error.name === 'Error' ? (error.constructor as { name?: string }).name : error.name;
  error.message = `The Redis library rejected the request with ${name} and no message: look at its time-out and queue options`;
}

/** Whether Redis has the payload already. Errors are ignored: the write that follows reports them. */
async function hasKey(client: RedisStorageDriverClient, key: string, abortSignal: AbortSignal): Promise<boolean> {
  try {
    return (await client.exists?.(key, { abortSignal })) === true;
  } catch {
    abortSignal.throwIfAborted();
    return false;
  }
}

/** If `isTransient` itself throws, the error counts as not transient. */
function isTransientForClient(client: RedisStorageDriverClient, error: unknown): boolean {
  try {
    return client.isTransient?.(error) === true;
  } catch {
    return false;
  }
}

/** If `describe` throws, the error message goes without its details. */
function describeClient(client: RedisStorageDriverClient): Record<string, string> {
  try {
    return client.describe?.() ?? {};
  } catch {
    return {};
  }
}
