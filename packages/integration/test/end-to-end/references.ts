import type { Payload } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { THRESHOLD } from './harness';

const PayloadProto = temporal.api.common.v1.Payload;

export interface Reference {
  driverName: string;
  claimData: Record<string, string>;
}

/** A payload's path in a message, such as `activityTaskCompleted.result`, and the Redis key of its reference. */
export type Place = [place: string, key: string];

/**
 * Finds the references in a response of the Temporal API, such as Event History, in order. Includes large payloads that
 * are not references, with the key `'inline'`, so that tests notice them.
 */
export function findReferences(message: object): Place[] {
  return [...findPayloads(message, [])].flatMap(([path, payload]): Place[] => {
    const place = path.join('.');
    const reference = parseReference(payload);
    if (reference !== undefined) return [[place, reference.claimData['key'] ?? 'no key']];
    return PayloadProto.encode(payload).len < THRESHOLD ? [] : [[place, 'inline']];
  });
}

/** Parses the reference that replaces a payload. Returns `undefined` if the payload is inline. */
export function parseReference({ metadata, data }: Payload): Reference | undefined {
  const isReference =
    decodeText(metadata?.['encoding']) === 'json/protobuf' &&
    decodeText(metadata?.['messageType']) === 'temporal.api.sdk.v1.ExternalStorageReference';
  return isReference ? (JSON.parse(decodeText(data)) as Reference) : undefined;
}

function decodeText(bytes: Uint8Array | null | undefined): string {
  return Buffer.from(bytes ?? []).toString();
}

function isPayload(value: unknown): value is Payload {
  return (value as { $type?: { fullName: string } } | null)?.$type?.fullName === '.temporal.api.common.v1.Payload';
}

function* findPayloads(value: unknown, path: string[]): Generator<[string[], Payload]> {
  if (isPayload(value)) {
    yield [path, value];
  } else if (Array.isArray(value)) {
    for (const item of value) yield* findPayloads(item, path);
  } else if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
    for (const [field, item] of Object.entries(value)) {
      const isWrapper = field === 'events' || field === 'payloads';
      yield* findPayloads(item, isWrapper ? path : [...path, field.replace(/EventAttributes$/, '')]);
    }
  }
}
