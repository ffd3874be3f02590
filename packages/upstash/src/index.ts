export { UpstashStorageDriverClient } from './adapter';
export type { UpstashCredentials, UpstashRedis } from './connection';
export { UpstashRequestError } from './errors';
