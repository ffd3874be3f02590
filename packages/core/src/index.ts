/**
 * External Storage for the Temporal TypeScript SDK in Redis.
 *
 * @module
 */
export type { RedisExistsOptions, RedisRequestOptions, RedisSetOptions, RedisStorageDriverClient } from './client';
export { decorateClient } from './decorate-client';
export type { StorageTrace, StorageOutcome } from './diagnostics';
export { RedisStorageDriver } from './driver';
export type { StoreOutcome } from './store-once';
export { CapacityError, RedisStorageDriverError, TimeoutError, type RedisStorageDriverOperation } from './errors';
export { parseKey, type ParsedKey } from './key';
export { recordMetrics } from './metrics';
export type { RedisStorageDriverOptions } from './options';
