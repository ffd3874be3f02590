import { S3Client } from '@aws-sdk/client-s3';
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import type { StorageDriver } from '@temporalio/common';
import { S3StorageDriver } from '@temporalio/external-storage-s3';
import { AwsSdkS3StorageDriverClient } from '@temporalio/external-storage-s3-aws-sdk';
import { openIoredis, openNodeRedis, openUpstash, type Library } from './libraries';
import type { StorageAddresses, StorageName } from '../workflow/workflow-load';

/** The S3 server's. */
export const BUCKET = 'benchmark';

/** A driver with its own defaults, but none for no storage at all. */
export async function openDriver(
  name: StorageName,
  { redis, upstash, s3 }: StorageAddresses,
): Promise<StorageDriver | undefined> {
  switch (name) {
    case 'node-redis':
      return redisDriver(await openNodeRedis(redis));
    case 'ioredis':
      return redisDriver(openIoredis(redis));
    case 'Upstash':
      return redisDriver(openUpstash(upstash));
    case 'S3 driver':
      return new S3StorageDriver({ client: s3Client(s3), bucket: BUCKET });
    default:
      return undefined;
  }
}

function redisDriver({ adapter }: Library): StorageDriver {
  return new RedisStorageDriver({ client: adapter });
}

function s3Client(endpoint: string): AwsSdkS3StorageDriverClient {
  // It would tell in each run how long it will run on this Node.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  return new AwsSdkS3StorageDriverClient(
    new S3Client({
      endpoint,
      forcePathStyle: true,
      region: 'us-east-1',
      // What this server takes.
      credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
    }),
  );
}
