import { ValueError, type ExternalStorage, type Payload, type StorageDriver } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { HttpError } from './http-error';
import { createReference, isReference, type StorageReference } from './reference';
import { toRetrieveError, toStoreError } from './storage-error';

const PayloadProto = temporal.api.common.v1.Payload;

/** What drivers get with each call. SDKs after 1.24 require a limiter; the handler itself bounds what runs at once. */
interface DriverContext {
  abortSignal: AbortSignal;
  limiter: { permit<T>(item: unknown, operation: () => Promise<T>): Promise<T> };
}

/**
 * Retrieves one payload.
 *
 * @throws HttpError 410 if it is lost, 422 if it is corrupt or no driver can have written the reference, 502 if the
 * storage fails
 */
export async function retrievePayload(
  externalStorage: ExternalStorage,
  { driverName, claim }: StorageReference,
  abortSignal: AbortSignal,
): Promise<Payload> {
  const driver = findDriver(externalStorage, driverName);
  try {
    const [payload] = await driver.retrieve(createContext(abortSignal), [claim]);
    if (payload === undefined) throw new TypeError(`Storage driver '${driverName}' returned no payload for a claim`);
    return payload;
  } catch (error) {
    abortSignal.throwIfAborted();
    throw toRetrieveError(error, driverName);
  }
}

/** @throws HttpError 422 if the codec server has no such driver */
export function findDriver(externalStorage: ExternalStorage, driverName: string): StorageDriver {
  const driver = externalStorage.getDriver(driverName);
  if (driver === null) {
    throw new HttpError('The reference names a storage driver that the codec server does not have', 422);
  }
  return driver;
}

/**
 * Stores the payloads that are over the threshold, as client and worker do, and returns references in their places. A
 * payload that is a reference already stays one.
 *
 * @throws HttpError 413 if a driver finds one too large, 422 if it rejects one, 502 if the storage fails
 */
export async function storePayloads(
  externalStorage: ExternalStorage,
  payloads: readonly Payload[],
  abortSignal: AbortSignal,
): Promise<Payload[]> {
  const context = createContext(abortSignal);
  const result = [...payloads];
  const groups = new Map<StorageDriver, { index: number; payload: Payload; size: number }[]>();
  for (const [index, payload] of payloads.entries()) {
    const size = measurePayload(payload);
    if (isReference(payload) || size < externalStorage.payloadSizeThreshold) continue;
    const driver = externalStorage.driverSelector(context, payload);
    if (driver === null) continue;
    if (externalStorage.getDriver(driver.name) !== driver) {
      throw new ValueError(
        `driverSelector returned driver '${driver.name}', which is not registered in externalStorage`,
      );
    }
    groups.set(driver, [...(groups.get(driver) ?? []), { index, payload, size }]);
  }
  const stores = [...groups].map(async ([driver, items]) => {
    const claims = await store(
      driver,
      context,
      items.map(({ payload }) => payload),
    );
    for (const [position, { index, size }] of items.entries()) {
      result[index] = createReference({ driverName: driver.name, claim: claims[position]! }, size);
    }
  });
  await Promise.all(stores);
  return result;
}

async function store(driver: StorageDriver, context: DriverContext, payloads: Payload[]) {
  try {
    const claims = await driver.store(context, payloads);
    if (claims.length === payloads.length) return claims;
    throw new TypeError(
      `Storage driver '${driver.name}' returned ${claims.length} claims for ${payloads.length} payloads`,
    );
  } catch (error) {
    context.abortSignal.throwIfAborted();
    throw toStoreError(error, driver.name);
  }
}

function createContext(abortSignal: AbortSignal): DriverContext {
  return { abortSignal, limiter: { permit: async (_item, operation) => operation() } };
}

/** The size of a serialized payload in bytes, measured without serializing its data. */
function measurePayload({ data, ...others }: Payload): number {
  const size = PayloadProto.encode(others).finish().length;
  if (!data?.length) return size;
  const lengthPrefix = Math.ceil((32 - Math.clz32(data.length)) / 7);
  return size + 1 + lengthPrefix + data.length;
}
