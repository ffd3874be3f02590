import type { Payload } from '@temporalio/common';
import { decodePayloads, encodePayloads } from './codecs';
import { forEachConcurrently } from './concurrency';
import { HttpError } from './http-error';
import type { ResolvedOptions } from './options';
import { isReference, parseReference, type StorageReference } from './reference';
import { findDriver, retrievePayload, storePayloads } from './storage';

/** How many payloads to retrieve at once for one request. */
const MAX_CONCURRENT_READS = 8;

/** Encodes, decodes or downloads the payloads of one request. */
export class PayloadOperations {
  /** Of what was retrieved so far. */
  private retrievedBytes = 0;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly request: Request,
    /** Gets what went wrong and is not part of the answer. */
    private readonly report: (error: unknown) => void,
  ) {}

  /** Retrieves references unless they are to be preserved, then undoes codecs. What fails stays as it came. */
  async decode(
    payloads: readonly Payload[],
    { preserveReferences }: { preserveReferences: boolean },
  ): Promise<Payload[]> {
    const encoded: (Payload | undefined)[] = payloads.map((payload) => (isReference(payload) ? undefined : payload));
    const { externalStorage } = this.options.dataConverter;
    if (!preserveReferences && externalStorage) {
      const references = payloads.flatMap((payload, index) => (isReference(payload) ? [index] : []));
      await forEachConcurrently(references, MAX_CONCURRENT_READS, async (index) => {
        encoded[index] = await this.retrieveIfPossible(payloads[index]!);
      });
    }
    return this.undoCodecs(payloads, encoded);
  }

  /** Retrieves references and undoes codecs. Fails as a whole if one payload can't be had. */
  async download(payloads: readonly Payload[]): Promise<Payload[]> {
    if (!this.options.dataConverter.externalStorage) {
      throw new HttpError('The codec server has no externalStorage to download from', 404);
    }
    for (const [index, payload] of payloads.entries()) {
      if (!isReference(payload) || parseReference(payload) === undefined) {
        throw new HttpError(`payloads[${index}] is not a reference to a stored payload`, 400);
      }
    }
    const retrieved = [...payloads];
    const indexes = [...payloads.keys()];
    await forEachConcurrently(indexes, MAX_CONCURRENT_READS, async (index) => {
      retrieved[index] = await this.retrieve(payloads[index]!);
    });
    const decoded = await this.decodeAll(retrieved);
    if (decoded.includes(undefined)) throw undecodable();
    return decoded as Payload[];
  }

  /** Applies codecs and stores what is over the threshold. References stay as they are, as `decode` leaves them too. */
  async encode(payloads: readonly Payload[]): Promise<Payload[]> {
    const { payloadCodecs = [], externalStorage } = this.options.dataConverter;
    const result = [...payloads];
    const indexes = payloads.flatMap((payload, index) => (isReference(payload) ? [] : [index]));
    const encoded = await encodePayloads(
      payloadCodecs,
      indexes.map((index) => payloads[index]!),
    );
    for (const [position, index] of indexes.entries()) result[index] = encoded[position]!;
    return externalStorage ? storePayloads(externalStorage, result, this.request.signal) : result;
  }

  private async retrieveIfPossible(payload: Payload): Promise<Payload | undefined> {
    try {
      return await this.retrieve(payload);
    } catch (error) {
      this.request.signal.throwIfAborted();
      if (!(error instanceof HttpError)) throw error;
      if (error.cause !== undefined) this.report(error.cause);
      return undefined;
    }
  }

  private async retrieve(payload: Payload): Promise<Payload> {
    const { dataConverter, maxResponseBytes } = this.options;
    const { signal } = this.request;
    signal.throwIfAborted();
    const externalStorage = dataConverter.externalStorage!;
    const reference = parseReference(payload);
    if (reference === undefined) throw new HttpError('The reference to a stored payload is malformed', 400);
    findDriver(externalStorage, reference.driverName);
    await this.checkAuthorized(reference);
    const tooLarge = new HttpError(`The payloads are larger than ${maxResponseBytes} bytes (maxResponseBytes)`, 413);
    if (this.retrievedBytes >= maxResponseBytes) throw tooLarge;
    const retrieved = await retrievePayload(externalStorage, reference, signal);
    this.retrievedBytes += retrieved.data?.length ?? 0;
    if (this.retrievedBytes > maxResponseBytes) throw tooLarge;
    return retrieved;
  }

  private async checkAuthorized(reference: StorageReference): Promise<void> {
    const { request } = this;
    const namespace = request.headers.get('x-namespace') ?? undefined;
    const refusal = 'The codec server does not serve this reference to this request';
    let authorized: unknown;
    try {
      authorized = await this.options.authorizeReference({ ...reference, namespace, request });
    } catch (cause) {
      throw new HttpError(refusal, 403, { cause });
    }
    if (authorized !== true) throw new HttpError(refusal, 403);
  }

  /** Decodes what there is to decode, and leaves the rest, and what can't be decoded, as it came. */
  private async undoCodecs(payloads: readonly Payload[], encoded: (Payload | undefined)[]): Promise<Payload[]> {
    const result = [...payloads];
    const indexes = [...encoded.keys()].filter((index) => encoded[index] !== undefined);
    const decoded = await this.decodeAll(indexes.map((index) => encoded[index]!));
    // An answer that is no different from the question would hide that nothing was decoded.
    if (indexes.length > 0 && decoded.every((payload) => payload === undefined)) throw undecodable();
    for (const [position, index] of indexes.entries()) result[index] = decoded[position] ?? payloads[index]!;
    return result;
  }

  private decodeAll(payloads: readonly Payload[]): Promise<(Payload | undefined)[]> {
    return decodePayloads(this.options.dataConverter.payloadCodecs ?? [], payloads, this.report);
  }
}

function undecodable(): HttpError {
  return new HttpError('The payloadCodecs of the codec server could not decode the payloads: see its log', 422);
}
