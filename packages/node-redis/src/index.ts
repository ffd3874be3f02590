/**
 * Temporal payloads in Redis through node-redis.
 *
 * @module
 */
export {
  NodeRedisStorageDriverClient,
  type NodeRedisClient,
  type NodeRedisCommands,
  type NodeRedisSetOptions,
} from './adapter';
