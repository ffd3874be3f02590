/**
 * Temporal payloads in Redis through ioredis.
 *
 * @module
 */
export { IoredisStorageDriverClient, type IoredisClient } from './adapter';
