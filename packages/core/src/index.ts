/**
 * External Storage for the Temporal TypeScript SDK in Redis.
 *
 * @module
 */
export type { RedisRequestOptions, RedisSetOptions, RedisStorageDriverClient } from './client';
export { decorateClient } from './decorate-client';
export { RedisStorageDriver } from './driver';
export { CapacityError, RedisStorageDriverError, TimeoutError, type RedisStorageDriverOperation } from './errors';
export { parseKey, type ParsedKey } from './key';
export type { RedisStorageDriverOptions } from './options';
