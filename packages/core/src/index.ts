/**
 * External Storage of the Temporal TypeScript SDK in Redis.
 *
 * @module
 */
export type { RedisRequestOptions, RedisSetOptions, RedisStorageDriverClient } from './client';
export { RedisStorageDriver } from './driver';
export { RedisStorageDriverError, TimeoutError } from './errors';
export type { RedisStorageDriverOptions } from './options';
