import { isUint8Array } from 'node:util/types';
import {
  ApplicationFailure,
  ValueError,
  type Payload,
  type StorageDriver,
  type StorageDriverClaim,
  type StorageDriverRetrieveContext,
  type StorageDriverStoreContext,
} from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { runBatch } from './batch';
import { ByteSemaphore } from './byte-semaphore';
import { createClaim, parseClaim, type PayloadLocation } from './claim';
import type { RedisStorageDriverClient } from './client';
import { withDeadline } from './deadline';
import { hashInChunks, HASH_ALGORITHM } from './digest';
import { encodePayload, concatAndHash, type EncodedPayload } from './encoding';
import { RedisStorageDriverError, TimeoutError } from './errors';
import { yieldEvery } from './yield-every';
import { buildKey } from './key';
import { cpuScheduler } from './cooperative-scheduler';
import { resolveOptions, type ResolvedOptions, type RedisStorageDriverOptions } from './options';
import { isTransientRefusal, withRetries } from './retry';

const PayloadProto = temporal.api.common.v1.Payload;

/** From this size on, asking first whether Redis has a payload costs less than sending some in vain, in bytes. */
const PROBE_SIZE = 4 * 1024 * 1024;

/** What a payload counts for whose claim doesn't tell its size (the Python sample's), in bytes. */
const UNKNOWN_SIZE = 1024 * 1024;

/**
 * Stores and retrieves Temporal payloads in Redis: each serialized payload under a key that its SHA-256 digest and its
 * workflow's or activity's identity make up. The README specifies keys and claims.
 *
 * @experimental
 */
export class RedisStorageDriver implements StorageDriver {
  /** What claims carry and are routed by: `driverName`. */
  readonly name: string;
  /** The kind of driver, whatever its name. */
  readonly type = 'redis';
  private readonly settings: ResolvedOptions;
  private readonly gate: ByteSemaphore;

  /** @throws ValueError that names the option and what it got */
  constructor(options: RedisStorageDriverOptions) {
    this.settings = resolveOptions(options);
    this.name = this.settings.driverName;
    this.gate = new ByteSemaphore(this.settings.maxBytesInFlight, this.settings.requestTimeoutMs);
  }

  /**
   * Writes each payload that Redis doesn't have yet and resolves to their claims, in order.
   *
   * @throws ValueError before anything is written, if a payload is larger than `maxPayloadSize` or can't be serialized
   * @throws RedisStorageDriverError if Redis refuses a write or can't be reached
   */
  async store(context: StorageDriverStoreContext, payloads: Payload[]): Promise<StorageDriverClaim[]> {
    const { keyPrefix } = this.settings;
    const encodedPayloads: EncodedPayload[] = [];
    for await (const payload of yieldEvery(payloads)) encodedPayloads.push(this.encodeChecked(payload));
    const writes = new Map<string, Promise<void>>();
    return runBatch(encodedPayloads, context.abortSignal, (encoded, batchSignal) =>
      this.admitted('store', encoded.size, batchSignal, async () => {
        const { bytes, digest } = await cpuScheduler.run(batchSignal, concatAndHash(encoded));
        const key = buildKey(keyPrefix, context.target, digest);
        const write = writes.get(key) ?? this.write(key, bytes, batchSignal);
        writes.set(key, write);
        await write;
        return createClaim({ key, digest, size: encoded.size });
      }),
    );
  }

  /**
   * Reads the payloads of the claims, in order.
   *
   * @throws ValueError before any I/O, if a claim isn't of this scheme; afterwards, if stored bytes aren't what it claims
   * @throws ApplicationFailure of type `PayloadNotFoundError`, non-retryable, if a key is absent
   * @throws RedisStorageDriverError if Redis refuses a read or can't be reached
   */
  async retrieve(context: StorageDriverRetrieveContext, claims: StorageDriverClaim[]): Promise<Payload[]> {
    const locations = claims.map(parseClaim);
    return runBatch(locations, context.abortSignal, (location, batchSignal) =>
      this.admitted('retrieve', location.size ?? UNKNOWN_SIZE, batchSignal, async () => {
        const { key } = location;
        const bytes = await this.read(key, batchSignal);
        if (bytes === null) {
          throw ApplicationFailure.nonRetryable(`Payload not found for key '${key}'`, 'PayloadNotFoundError');
        }
        return decode(bytes, location, await cpuScheduler.run(batchSignal, hashInChunks(bytes)));
      }),
    );
  }

  private encodeChecked(payload: Payload): EncodedPayload {
    const { maxPayloadSize } = this.settings;
    const encoded = encodePayload(payload);
    if (encoded.size > maxPayloadSize) {
      throw new ValueError(
        `Payload size ${encoded.size} bytes exceeds the configured maxPayloadSize of ${maxPayloadSize} bytes`,
      );
    }
    if (!Object.keys(payload.metadata ?? {}).every((name) => name.isWellFormed())) {
      throw new ValueError('Payload has a metadata name with a lone surrogate: it could be stored, but not read back');
    }
    return encoded;
  }

  /** Runs a task within the bound on bytes in flight. */
  private async admitted<T>(
    operation: Operation,
    bytes: number,
    batchSignal: AbortSignal,
    task: () => Promise<T>,
  ): Promise<T> {
    try {
      return await this.gate.run(bytes, batchSignal, task);
    } catch (error) {
      // Bare, it is the gate's own.
      throw error instanceof TimeoutError ? this.failure(operation, {}, error) : error;
    }
  }

  private async write(key: string, bytes: Uint8Array, batchSignal: AbortSignal): Promise<void> {
    const { client, ttlMs } = this.settings;
    await this.request('store', key, batchSignal, async (abortSignal) => {
      if (bytes.length >= PROBE_SIZE && (await hasKey(client, key, abortSignal))) return;
      await client.setIfAbsent(key, bytes, { abortSignal, ...(ttlMs !== undefined && { ttlMs }) });
    });
  }

  private read(key: string, batchSignal: AbortSignal): Promise<Uint8Array | null> {
    return this.request('retrieve', key, batchSignal, async (abortSignal) => {
      const bytes: unknown = await this.settings.client.get(key, { abortSignal });
      if (bytes !== null && !isUint8Array(bytes)) {
        // A text reply has lost the bytes that aren't UTF-8 already.
        throw new TypeError(`The client's get must resolve to a Uint8Array or null, got ${typeof bytes}`);
      }
      return bytes;
    });
  }

  /** One Redis operation within its deadline; a failure other than the caller's abort is told with its coordinates. */
  private async request<T>(
    operation: Operation,
    key: string,
    batchSignal: AbortSignal,
    send: (abortSignal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { client, maxAttempts, requestTimeoutMs } = this.settings;
    let lastFailure: unknown;
    const isTransient = (error: unknown): boolean => {
      lastFailure = error;
      return isTransientRefusal(error) || isTransientForClient(client, error);
    };
    try {
      return await withDeadline(requestTimeoutMs, batchSignal, (abortSignal) =>
        withRetries({ maxAttempts, isTransient }, abortSignal, () => send(abortSignal)),
      );
    } catch (error) {
      batchSignal.throwIfAborted();
      if (error instanceof TimeoutError && lastFailure !== undefined) error.cause = lastFailure;
      throw this.failure(operation, { key }, error);
    }
  }

  private failure(operation: Operation, coordinates: Record<string, string>, cause: unknown): RedisStorageDriverError {
    const pairs = Object.entries({ ...coordinates, ...describeClient(this.settings.client) });
    const told = pairs.map(([name, value]) => `${name}=${value}`).join(', ');
    return new RedisStorageDriverError(`RedisStorageDriver ${operation} failed [${told}]`, { cause });
  }
}

type Operation = 'store' | 'retrieve';

/** Whether a payload needs no sending. A probe that fails says nothing: the write that follows will. */
async function hasKey(client: RedisStorageDriverClient, key: string, abortSignal: AbortSignal): Promise<boolean> {
  try {
    return (await client.exists?.(key, { abortSignal })) === true;
  } catch {
    abortSignal.throwIfAborted();
    return false;
  }
}

function decode(bytes: Uint8Array, { key, digest: expected }: PayloadLocation, actual: string): Payload {
  if (actual !== expected) {
    throw new ValueError(
      `RedisStorageDriver integrity check failed [key=${key}]: ` +
        `expected ${HASH_ALGORITHM}:${expected.slice(0, actual.length)}, got ${HASH_ALGORITHM}:${actual}`,
    );
  }
  try {
    return PayloadProto.decode(bytes);
  } catch (cause) {
    throw new ValueError(`RedisStorageDriver found bytes that are no serialized Payload [key=${key}]`, cause);
  }
}

/** One that throws says nothing, and must not take the failure's place. */
function isTransientForClient(client: RedisStorageDriverClient, error: unknown): boolean {
  try {
    return client.isTransient?.(error) === true;
  } catch {
    return false;
  }
}

/** An error message is no place for another failure, so a `describe` that throws adds nothing. */
function describeClient(client: RedisStorageDriverClient): Record<string, string> {
  try {
    return client.describe?.() ?? {};
  } catch {
    return {};
  }
}
