import {
  ApplicationFailure,
  type Payload,
  type StorageDriver,
  type StorageDriverClaim,
  type StorageDriverRetrieveContext,
  type StorageDriverStoreContext,
} from '@temporalio/common';
import { runBatch } from './batch';
import { createClaim, parseClaim, type PayloadLocation } from './claim';
import { cpuScheduler } from './cooperative-scheduler';
import { withTrace, type TraceRecorder } from './diagnostics';
import { hashInChunks } from './digest';
import { concatAndHash, decodeChecked, encodeChecked, type EncodedPayload } from './encoding';
import { formatKey } from './format-value';
import { buildKey, parseKey } from './key';
import { resolveOptions, type ResolvedOptions, type RedisStorageDriverOptions } from './options';
import { withPermit } from './permit';
import { RedisRequests } from './requests';
import type { StoreOutcome } from './store-once';
import { yieldEvery } from './yield-every';

/** Bytes reserved for a payload whose claim has no `size` (written by the Python sample). */
const UNKNOWN_SIZE = 1024 * 1024;

/** Payloads that are measured, or whose requests are started, in one turn of the event loop: 100 requests take about 3 ms. */
const ITEMS_PER_TURN = 100;

/**
 * Stores and retrieves Temporal payloads in Redis: each serialized payload under a key made of its SHA-256 digest and the
 * identity of its workflow or activity. `docs/key-format.md` specifies keys and claims.
 *
 * @experimental
 */
export class RedisStorageDriver implements StorageDriver {
  /** The option `driverName`. Claims carry it, and are routed to the driver by it. */
  readonly name: string;
  /** The kind of driver, whatever its name. */
  readonly type = 'redis';
  private readonly options: ResolvedOptions;
  private readonly requests: RedisRequests;

  /** @throws ValueError that names the option and what it got */
  constructor(options: RedisStorageDriverOptions) {
    this.options = resolveOptions(options);
    this.name = this.options.driverName;
    this.requests = new RedisRequests(this.options);
  }

  /**
   * Writes each payload that Redis doesn't have yet and resolves to their claims, in order.
   *
   * @throws ValueError before anything is written, if a payload is larger than `maxPayloadSize` or can't be serialized
   * @throws RedisStorageDriverError if Redis refuses a write or can't be reached
   */
  async store(context: StorageDriverStoreContext, payloads: Payload[]): Promise<StorageDriverClaim[]> {
    const { keyPrefix, maxPayloadSize } = this.options;
    const items: { payload: Payload; encoded: EncodedPayload }[] = [];
    for await (const payload of yieldEvery(ITEMS_PER_TURN, payloads)) {
      items.push({ payload, encoded: encodeChecked(payload, maxPayloadSize) });
    }
    const { target } = context;
    // Equal payloads of one call are written once.
    const writes = new Map<string, Promise<StoreOutcome>>();
    const write = async (encoded: EncodedPayload, batchSignal: AbortSignal, recorder?: TraceRecorder) => {
      const steps = concatAndHash(encoded, (size) => this.requests.takeBuffer(size));
      const { bytes, digest } = await cpuScheduler.run(batchSignal, steps);
      const key = buildKey(keyPrefix, target, digest);
      recorder?.set({ key });
      const first = writes.get(key);
      const written = first ?? this.requests.write(key, bytes, batchSignal, recorder);
      writes.set(key, written);
      const outcome = await written;
      recorder?.set({ outcome: first ? 'present' : outcome });
      return createClaim({ key, digest, size: encoded.size });
    };
    return runBatch(items, context.abortSignal, ({ payload, encoded }, batchSignal) => {
      const describe = () => ({ driverName: this.name, size: encoded.size, target });
      return withTrace('store', batchSignal, describe, (recorder) =>
        withPermit(context, payload, batchSignal, () =>
          this.requests.withCapacity(encoded.size, { operation: 'store', recorder }, batchSignal, () =>
            write(encoded, batchSignal, recorder),
          ),
        ),
      );
    });
  }

  /**
   * Reads the payloads of the claims, in order.
   *
   * @throws ValueError before any I/O, if a claim isn't in this driver's format; afterwards, if the stored bytes don't
   *   match it
   * @throws ApplicationFailure of type `PayloadNotFoundError`, non-retryable, if a key is absent
   * @throws RedisStorageDriverError if Redis refuses a read or can't be reached
   */
  async retrieve(context: StorageDriverRetrieveContext, claims: StorageDriverClaim[]): Promise<Payload[]> {
    const items = claims.map((claim) => ({ claim, location: parseClaim(claim) }));
    return runBatch(items, context.abortSignal, ({ claim, location }, batchSignal) => {
      const { key, size } = location;
      const describe = () => ({ driverName: this.name, key, size, target: parseKey(key)?.target });
      return withTrace('retrieve', batchSignal, describe, (recorder) =>
        withPermit(context, claim, batchSignal, () => this.read(location, batchSignal, recorder)),
      );
    });
  }

  private read(location: PayloadLocation, batchSignal: AbortSignal, recorder?: TraceRecorder): Promise<Payload> {
    const { key, size = UNKNOWN_SIZE } = location;
    return this.requests.withCapacity(size, { operation: 'retrieve', key, recorder }, batchSignal, async () => {
      const bytes = await this.requests.read(key, batchSignal, recorder);
      if (bytes === null) {
        recorder?.set({ outcome: 'not_found' });
        throw ApplicationFailure.nonRetryable(`Payload not found for key '${formatKey(key)}'`, 'PayloadNotFoundError');
      }
      const digest = await cpuScheduler.run(batchSignal, hashInChunks(bytes));
      recorder?.set({ size: bytes.length, outcome: 'corrupt' });
      const payload = decodeChecked(bytes, location, digest);
      recorder?.set({ outcome: 'read' });
      return payload;
    });
  }
}
