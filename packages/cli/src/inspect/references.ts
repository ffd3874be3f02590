import type { Payload } from '@temporalio/common';

/** A reference to an offloaded payload, and where a message holds it. */
export interface FoundReference {
  /** The path of fields, such as `input` or `memo.note`. */
  field: string;
  driverName: string;
  /** Undefined if the claim has none. Whoever may start or signal a workflow can write it. */
  key: string | undefined;
  /** The digest that the payload must have, by the claim. */
  digest: string | undefined;
  /** In bytes, by the claim. */
  size: number | undefined;
}

const REFERENCE_TYPE = 'temporal.api.sdk.v1.ExternalStorageReference';

/** Fields that only wrap others. */
const WRAPPERS = new Set(['payloads', 'fields', 'indexedFields']);

/** The references in a message of Temporal's API, in order. */
export function* findReferences(message: unknown, path = ''): Generator<FoundReference> {
  if (typeof message !== 'object' || message === null || ArrayBuffer.isView(message)) return;
  if (isReference(message)) {
    yield { field: path, ...parseReference(message) };
    return;
  }
  for (const [name, value] of Object.entries(message)) {
    yield* findReferences(value, joinPath(path, name, Array.isArray(message) && message.length > 1, message));
  }
}

function joinPath(path: string, name: string, isNumbered: boolean, parent: object): string {
  if (Array.isArray(parent)) return isNumbered ? `${path}[${name}]` : path;
  if (WRAPPERS.has(name)) return path;
  return path === '' ? name : `${path}.${name}`;
}

function isReference(message: object): message is Payload {
  const { metadata } = message as Payload;
  return decode(metadata?.['messageType']) === REFERENCE_TYPE && decode(metadata?.['encoding']) === 'json/protobuf';
}

/** A malformed reference is one without a driver and a key. */
function parseReference({ data }: Payload): Omit<FoundReference, 'field'> {
  const { driverName, claimData } = parseJson(decode(data));
  const { key, hash_value: digest, size } = Object(claimData) as Record<string, unknown>;
  return {
    driverName: typeof driverName === 'string' ? driverName : '',
    key: typeof key === 'string' ? key : undefined,
    digest: typeof digest === 'string' && digest !== '' ? digest : undefined,
    size: typeof size === 'string' && /^\d{1,15}$/.test(size) ? Number(size) : undefined,
  };
}

function parseJson(text: string): { driverName?: unknown; claimData?: unknown } {
  try {
    return Object(JSON.parse(text)) as object;
  } catch {
    return {};
  }
}

function decode(bytes: unknown): string {
  return bytes instanceof Uint8Array ? Buffer.from(bytes).toString() : '';
}
