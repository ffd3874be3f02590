import { isNativeError, isUint8Array } from 'node:util/types';
import { BufferPool } from './buffer-pool';
import { ByteSemaphore } from './byte-semaphore';
import type { RedisStorageDriverClient } from './client';
import { withDeadline } from './deadline';
import type { TraceRecorder } from './diagnostics';
import { RedisStorageDriverError, TimeoutError, type RedisStorageDriverOperation } from './errors';
import { formatKey } from './format-value';
import type { ResolvedOptions } from './options';
import { redactArguments } from './redact-arguments';
import { isTransientRefusal, withRetries } from './retry';
import { storeOnce, type StoreOutcome } from './store-once';
import { now } from './timers';

/** Runs a function after a buffer was garbage-collected. */
const COLLECTED = new FinalizationRegistry<() => void>((release) => release());

/** What a request is about, for its error and its trace. */
interface RequestInfo {
  operation: RedisStorageDriverOperation;
  key?: string | undefined;
  recorder?: TraceRecorder | undefined;
}

/** Sends the driver's requests to Redis: bounded in bytes, each within its deadline, retried, with errors that say where. */
export class RedisRequests {
  private readonly semaphore: ByteSemaphore;
  private readonly buffers: BufferPool;
  /** Decided once, because only buffers of the pool may go back there. */
  private readonly reusesBuffers: boolean;

  constructor(private readonly options: ResolvedOptions) {
    this.semaphore = new ByteSemaphore(options.maxBytesInFlight, options.requestTimeoutMs);
    this.buffers = new BufferPool(() => this.semaphore.room);
    this.reusesBuffers = options.client.releasesData === true;
  }

  /** Runs a task once its bytes fit into `maxBytesInFlight`. */
  async withCapacity<T>(
    bytes: number,
    info: RequestInfo,
    abortSignal: AbortSignal,
    task: () => Promise<T>,
  ): Promise<T> {
    const release = await this.acquire(bytes, info, abortSignal);
    info.recorder?.endQueue();
    try {
      const result = await task();
      this.semaphore.recordProgress();
      return result;
    } finally {
      release();
    }
  }

  /** A buffer of `size` bytes for {@link write}, with any content. */
  takeBuffer(size: number): Buffer<ArrayBuffer> {
    return this.reusesBuffers ? this.buffers.take(size) : Buffer.allocUnsafe(size);
  }

  /** Writes a buffer of {@link takeBuffer}, which may be used again afterwards, unless Redis has the key already. */
  async write(
    key: string,
    bytes: Buffer<ArrayBuffer>,
    abortSignal: AbortSignal,
    recorder?: TraceRecorder,
  ): Promise<StoreOutcome> {
    const { client, ttlMs, extendTtl } = this.options;
    const inserts: Promise<boolean>[] = [];
    let resolved = 0;
    const setIfAbsent: RedisStorageDriverClient['setIfAbsent'] = async (...args) => {
      const insert = client.setIfAbsent(...args);
      inserts.push(insert);
      const isInserted = await insert;
      resolved++;
      return isInserted;
    };
    try {
      const outcome = await this.send(
        { operation: 'store', key, recorder },
        abortSignal,
        (requestSignal, isTransient) =>
          storeOnce(client, { key, bytes, ttlMs, extendTtl, setIfAbsent, isTransient }, requestSignal),
      );
      // After a failed attempt, the library may still hold them.
      if (this.reusesBuffers && resolved === inserts.length) this.buffers.giveBack(bytes);
      return outcome;
    } catch (error) {
      const last = inserts.at(-1);
      if (last !== undefined && resolved < inserts.length) {
        this.holdUntilSettled(bytes, last, abortSignal.aborted ? 'aborted' : 'unanswered');
      }
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
  read(key: string, abortSignal: AbortSignal, recorder?: TraceRecorder): Promise<Uint8Array | null> {
    return this.send({ operation: 'retrieve', key, recorder }, abortSignal, async (requestSignal) => {
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
    request: (requestSignal: AbortSignal, isTransient: (error: unknown) => boolean) => Promise<T>,
  ): Promise<T> {
    const { client, maxAttempts, requestTimeoutMs } = this.options;
    const { recorder } = info;
    const startedAt = recorder && now();
    let lastFailure: unknown;
    const isTransient = (error: unknown): boolean => {
      lastFailure = error;
      return isTransientRefusal(error) || isTransientForClient(client, error);
    };
    try {
      return await withDeadline(requestTimeoutMs, abortSignal, (requestSignal) =>
        withRetries({ maxAttempts, isTransient }, requestSignal, () => {
          recorder?.countAttempt();
          return request(requestSignal, isTransient);
        }),
      );
    } catch (error) {
      abortSignal.throwIfAborted();
      if (error instanceof TimeoutError && lastFailure !== undefined) error.cause = lastFailure;
      redactArguments(error);
      explainEmptyMessage(error);
      throw this.createError(info, error);
    } finally {
      if (startedAt !== undefined) recorder?.set({ requestMs: now() - startedAt });
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
