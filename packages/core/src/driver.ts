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
import { claimOf, locationOf, type PayloadLocation } from './claim';
import type { RedisStorageDriverClient } from './client';
import { withDeadline } from './deadline';
import { digestOf, HASH_ALGORITHM } from './digest';
import { RedisStorageDriverError } from './errors';
import { keyOf } from './key';
import { settingsOf, type DriverSettings, type RedisStorageDriverOptions } from './options';

const PayloadProto = temporal.api.common.v1.Payload;

/**
 * Stores and retrieves Temporal payloads in Redis: each serialized payload under a key that its SHA-256 digest and its
 * workflow's or activity's identity make up. The README specifies keys and claims.
 *
 * @experimental
 */
export class RedisStorageDriver implements StorageDriver {
  readonly name: string;
  readonly type = 'redis';
  private readonly settings: DriverSettings;

  /** @throws ValueError that names the option and what it got */
  constructor(options: RedisStorageDriverOptions) {
    this.settings = settingsOf(options);
    this.name = this.settings.driverName;
  }

  /**
   * Writes each payload that Redis doesn't have yet and resolves to their claims, in order.
   *
   * @throws ValueError before anything is written, if a payload is larger than `maxPayloadSize` or can't be serialized
   * @throws RedisStorageDriverError if Redis refuses a write or can't be reached
   */
  async store(context: StorageDriverStoreContext, payloads: Payload[]): Promise<StorageDriverClaim[]> {
    const { client, keyPrefix, ttlMs } = this.settings;
    const encoders = payloads.map((payload) => this.measured(payload));
    const writes = new Map<string, Promise<boolean>>();
    return runBatch(encoders, context.abortSignal, async (encoder, batchSignal) => {
      const bytes = encoder.finish();
      const digest = digestOf(bytes);
      const key = keyOf(keyPrefix, context.target, digest);
      let write = writes.get(key);
      if (write === undefined) {
        write = this.request('store', key, batchSignal, (abortSignal) =>
          client.setIfAbsent(key, bytes, { abortSignal, ...(ttlMs !== undefined && { ttlMs }) }),
        );
        writes.set(key, write);
      }
      await write;
      return claimOf({ key, digest });
    });
  }

  /**
   * Reads the payloads of the claims, in order.
   *
   * @throws ValueError before any I/O, if a claim isn't of this scheme; afterwards, if stored bytes aren't what it claims
   * @throws ApplicationFailure of type `PayloadNotFoundError`, non-retryable, if a key is absent
   * @throws RedisStorageDriverError if Redis refuses a read or can't be reached
   */
  async retrieve(context: StorageDriverRetrieveContext, claims: StorageDriverClaim[]): Promise<Payload[]> {
    const locations = claims.map(locationOf);
    return runBatch(locations, context.abortSignal, async ({ key, digest }, batchSignal) => {
      const bytes = await this.request('retrieve', key, batchSignal, (abortSignal) =>
        getBytes(this.settings.client, key, abortSignal),
      );
      if (bytes === null) {
        throw ApplicationFailure.nonRetryable(`Payload not found for key '${key}'`, 'PayloadNotFoundError');
      }
      return decode(bytes, { key, digest });
    });
  }

  /** Walks the payload once for its size and, when finished, its bytes. */
  private measured(payload: Payload): ReturnType<typeof PayloadProto.encode> {
    const { maxPayloadSize } = this.settings;
    const encoder = PayloadProto.encode(payload);
    if (encoder.len > maxPayloadSize) {
      throw new ValueError(
        `Payload size ${encoder.len} bytes exceeds the configured maxPayloadSize of ${maxPayloadSize} bytes`,
      );
    }
    if (!Object.keys(payload.metadata ?? {}).every((name) => name.isWellFormed())) {
      throw new ValueError('Payload has a metadata name with a lone surrogate: it could be stored, but not read back');
    }
    return encoder;
  }

  /** One Redis operation within its deadline; a failure other than the caller's abort is told with its coordinates. */
  private async request<T>(
    operation: 'store' | 'retrieve',
    key: string,
    batchSignal: AbortSignal,
    send: (abortSignal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { client, requestTimeoutMs } = this.settings;
    try {
      return await withDeadline(requestTimeoutMs, batchSignal, send);
    } catch (cause) {
      batchSignal.throwIfAborted();
      const coordinates = Object.entries({ key, ...descriptionOf(client) }).map(([name, value]) => `${name}=${value}`);
      throw new RedisStorageDriverError(`RedisStorageDriver ${operation} failed [${coordinates.join(', ')}]`, {
        cause,
      });
    }
  }
}

async function getBytes(
  client: RedisStorageDriverClient,
  key: string,
  abortSignal: AbortSignal,
): Promise<Uint8Array | null> {
  const bytes: unknown = await client.get(key, { abortSignal });
  if (bytes !== null && !isUint8Array(bytes)) {
    // A text reply has lost the bytes that aren't UTF-8 already.
    throw new TypeError(`The client's get must resolve to a Uint8Array or null, got ${typeof bytes}`);
  }
  return bytes;
}

function decode(bytes: Uint8Array, { key, digest: expected }: PayloadLocation): Payload {
  const actual = digestOf(bytes);
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

/** An error message is no place for another failure, so a `describe` that throws adds nothing. */
function descriptionOf(client: RedisStorageDriverClient): Record<string, string> {
  try {
    return client.describe?.() ?? {};
  } catch {
    return {};
  }
}
