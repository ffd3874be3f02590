import { S3Client } from '@aws-sdk/client-s3';
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import type { StorageDriver } from '@temporalio/common';
import { S3StorageDriver } from '@temporalio/external-storage-s3';
import { AwsSdkS3StorageDriverClient } from '@temporalio/external-storage-s3-aws-sdk';
import { openIoredis, openNodeRedis, openUpstash, type Library } from './libraries';
import type { StorageAddresses, StorageName } from '../workflow/workflow-load';

/** The bucket that the S3 server creates. */
export const BUCKET = 'benchmark';

/** Opens a driver with its default options. Resolves to undefined for `no storage`. */
export async function openDriver(
  name: StorageName,
  { redis, upstash, s3 }: StorageAddresses,
): Promise<StorageDriver | undefined> {
  switch (name) {
    case 'node-redis':
      return createRedisDriver(await openNodeRedis(redis));
    case 'ioredis':
      return createRedisDriver(openIoredis(redis));
    case 'Upstash':
      return createRedisDriver(openUpstash(upstash));
    case 'S3 driver':
      return new S3StorageDriver({ client: createS3Client(s3), bucket: BUCKET });
    default:
      return undefined;
  }
}

function createRedisDriver({ adapter }: Library): StorageDriver {
  return new RedisStorageDriver({ client: adapter });
}

function createS3Client(endpoint: string): AwsSdkS3StorageDriverClient {
  // Otherwise each run prints a warning about future support for this version of Node.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  return new AwsSdkS3StorageDriverClient(
    new S3Client({
      endpoint,
      forcePathStyle: true,
      region: 'us-east-1',
      // s3rver accepts only these.
      credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
    }),
  );
}
