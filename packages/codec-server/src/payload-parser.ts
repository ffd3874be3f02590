import type { Payload } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { decodeBase64 } from './base64';
import { HttpError } from './http-error';
import { createPause } from './pause';
import type { JsonBody } from './request-body';

const { ExternalPayloadDetails } = temporal.api.common.v1.Payload;

type JsonObject = Record<string, unknown>;

/**
 * Reads `temporal.api.common.v1.Payloads` from parsed JSON: proto JSON, and the form of Temporal's CLI, whose Go structs
 * have `external_payloads` with `size_bytes` as a number. Fields that it doesn't know are ignored.
 *
 * @throws HttpError 400 that names the field
 */
export async function parsePayloads({ value, expand }: JsonBody): Promise<Payload[]> {
  if (!isObject(value)) throw new HttpError('The request body is not a JSON object with payloads', 400);
  const pause = createPause();
  const payloads: Payload[] = [];
  for (const [index, each] of parseList(value['payloads'], 'payloads').entries()) {
    const steps = parsePayload(each, `payloads[${index}]`, expand);
    let step = steps.next();
    for (; !step.done; step = steps.next()) await pause();
    payloads.push(step.value);
    await pause();
  }
  return payloads;
}

function* parsePayload(json: unknown, path: string, expand: JsonBody['expand']): Generator<void, Payload> {
  if (!isObject(json)) throw new HttpError(`${path} is not an object`, 400);
  const payload: Payload = {};
  const { metadata, data } = json;
  if (isPresent(metadata)) {
    if (!isObject(metadata)) throw new HttpError(`${path}.metadata is not an object`, 400);
    const entries: [string, Uint8Array][] = [];
    for (const [name, value] of Object.entries(metadata)) {
      if (!name.isWellFormed()) throw new HttpError(`${path}.metadata has a name that is not Unicode`, 400);
      entries.push([name, yield* parseBytes(value, `${path}.metadata`, expand)]);
    }
    // It defines properties, where an assignment to `__proto__` would not.
    payload.metadata = Object.fromEntries(entries);
  }
  if (isPresent(data)) payload.data = yield* parseBytes(data, `${path}.data`, expand);
  const externalPayloads = json['externalPayloads'] ?? json['external_payloads'];
  if (isPresent(externalPayloads)) {
    payload.externalPayloads = parseList(externalPayloads, `${path}.externalPayloads`).map((details) =>
      parseDetails(details, `${path}.externalPayloads`),
    );
  }
  return payload;
}

function* parseBytes(value: unknown, path: string, expand: JsonBody['expand']): Generator<void, Uint8Array> {
  const bytes = typeof value === 'string' ? yield* decodeBase64(expand(value)) : undefined;
  if (bytes === undefined) throw new HttpError(`${path} is not base64`, 400);
  return bytes;
}

function parseDetails(json: unknown, path: string): temporal.api.common.v1.Payload.IExternalPayloadDetails {
  if (!isObject(json)) throw new HttpError(`${path} has an element that is not an object`, 400);
  const size = json['sizeBytes'] ?? json['size_bytes'] ?? 0;
  if (!isInt64(size)) throw new HttpError(`${path}.sizeBytes is not a whole number`, 400);
  return ExternalPayloadDetails.fromObject({ sizeBytes: size });
}

function isInt64(value: unknown): value is string | number {
  if (typeof value === 'number') return Number.isSafeInteger(value);
  return typeof value === 'string' && /^-?\d{1,19}$/.test(value) && BigInt.asIntN(64, BigInt(value)) === BigInt(value);
}

function parseList(value: unknown, path: string): unknown[] {
  if (!isPresent(value)) return [];
  if (!Array.isArray(value)) throw new HttpError(`${path} is not an array`, 400);
  return value;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** In proto JSON null stands for the default. */
function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}
