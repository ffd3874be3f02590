/**
 * External Storage in Redis as a plugin of the Temporal TypeScript SDK.
 *
 * @module
 */
export type { RedisStoragePluginOptions } from './options';
export { RedisStoragePlugin } from './plugin';
