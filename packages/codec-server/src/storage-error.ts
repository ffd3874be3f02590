import { HttpError } from './http-error';

/** Where a chain of causes has no end. */
const MAX_DEPTH = 16;

/** The answer to a retrieval that failed. The driver's words stay out of it, as they may hold anything. */
export function toRetrieveError(cause: unknown, driverName: string): HttpError {
  const chain = listCauses(cause);
  if (chain.some(isMissing)) {
    return new HttpError(`Storage driver '${driverName}' no longer has this payload: it expired or was deleted`, 410, {
      cause,
    });
  }
  if (chain.some(isValueError)) {
    return new HttpError(
      `Storage driver '${driverName}' rejects this reference, or what is stored differs from what it refers to`,
      422,
      { cause },
    );
  }
  return new HttpError(
    `Storage driver '${driverName}' could not read this payload: see the log of the codec server`,
    502,
    {
      cause,
    },
  );
}

/** The answer to a write that failed. */
export function toStoreError(cause: unknown, driverName: string): HttpError {
  const refusal = listCauses(cause).find(isValueError);
  if (refusal === undefined) {
    return new HttpError(`Storage driver '${driverName}' could not store: see the log of the codec server`, 502, {
      cause,
    });
  }
  return String(refusal.message).includes('maxPayloadSize')
    ? new HttpError(`A payload is larger than the maxPayloadSize of storage driver '${driverName}'`, 413, { cause })
    : new HttpError(`Storage driver '${driverName}' rejects a payload: see the log of the codec server`, 422, {
        cause,
      });
}

interface ErrorFields {
  name?: unknown;
  message?: unknown;
  type?: unknown;
  code?: unknown;
  cause?: unknown;
  $metadata?: { httpStatusCode?: unknown };
}

function listCauses(error: unknown): ErrorFields[] {
  const chain: ErrorFields[] = [];
  for (let each = error; typeof each === 'object' && each !== null && chain.length < MAX_DEPTH;) {
    const fields: ErrorFields = each;
    chain.push(fields);
    each = fields.cause;
  }
  return chain;
}

/** The Redis driver's own failure, or what S3 and Google Cloud Storage say of an object that isn't there. */
function isMissing({ type, name, code, $metadata }: ErrorFields): boolean {
  if (name === 'NoSuchBucket') return false;
  return (
    type === 'PayloadNotFoundError' ||
    name === 'NoSuchKey' ||
    name === 'NotFound' ||
    $metadata?.httpStatusCode === 404 ||
    code === 404
  );
}

/** By its name: drivers of another version of the SDK have another class. */
function isValueError({ name }: ErrorFields): boolean {
  return name === 'ValueError';
}
