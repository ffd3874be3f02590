// This file is compiled but never run. It checks that the driver fits this SDK and the next one.
import {
  ExternalStorage,
  type Payload,
  type StorageDriver,
  type StorageDriverClaim,
  type StorageDriverTargetInfo,
} from '@temporalio/common';
import { RedisStorageDriver, type RedisStorageDriverClient } from '@temporal-redis-storage/core';

declare const client: RedisStorageDriverClient;
const driver = new RedisStorageDriver({ client, ttl: '45 days', extendTtl: true });

export const current: StorageDriver = driver;
export const storage = new ExternalStorage({ drivers: [driver] });

/** The contexts of SDKs after 1.24. */
interface NextContext {
  limiter: { permit<T>(item: Payload | StorageDriverClaim, operation: () => Promise<T>): Promise<T> };
  abortSignal?: AbortSignal;
}

interface NextStorageDriver {
  readonly name: string;
  readonly type: string;
  store(
    context: NextContext & { target?: StorageDriverTargetInfo },
    payloads: Payload[],
  ): Promise<StorageDriverClaim[]>;
  retrieve(context: NextContext, claims: StorageDriverClaim[]): Promise<Payload[]>;
}

export const next: NextStorageDriver = driver;

export const withoutContext: Promise<Payload[]> = driver.retrieve({}, []);
