export { UpstashStorageDriverClient } from './adapter';
export type { UpstashCredentials, UpstashRedis } from './settings';
export { UpstashRequestError } from './errors';
