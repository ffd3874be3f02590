import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { ExternalStorage } from '@temporalio/common';
import { S3StorageDriver } from '@temporalio/external-storage-s3';
import { AwsSdkS3StorageDriverClient } from '@temporalio/external-storage-s3-aws-sdk';
import S3rver from 's3rver';
import { createPayloadHandler, type PayloadHandler } from '../src';
import { fromBase64, post, toBase64, type JsonPayload } from './requests';

const BUCKET = 'payloads';

/** The SDK's own driver on an S3-compatible server. */
let folder: string;
let server: S3rver;
let client: S3Client;
let driver: S3StorageDriver;
let handler: PayloadHandler;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 's3-'));
  server = new S3rver({
    address: '127.0.0.1',
    port: 0,
    silent: true,
    directory: folder,
    configureBuckets: [{ name: BUCKET, configs: [] }],
  });
  const { port } = await server.run();
  // It would log in each run how long it will run on this Node.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  client = new S3Client({
    endpoint: `http://127.0.0.1:${port}`,
    forcePathStyle: true,
    region: 'us-east-1',
    credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
  });
  driver = new S3StorageDriver({ client: new AwsSdkS3StorageDriverClient(client), bucket: BUCKET });
  handler = createPayloadHandler({
    dataConverter: { externalStorage: new ExternalStorage({ drivers: [driver], payloadSizeThreshold: 1000 }) },
  });
});

afterAll(async () => {
  client?.destroy();
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

async function encode(): Promise<{ payload: JsonPayload; encoded: JsonPayload; claimData: Record<string, string> }> {
  const payload = { metadata: { encoding: toBase64('binary/plain') }, data: toBase64(randomBytes(100_000)) };
  const answer = await post(handler, '/encode', { payloads: [payload] });
  const encoded = answer.payloads[0]!;
  const { claimData } = JSON.parse(fromBase64(encoded.data)) as { claimData: Record<string, string> };
  return { payload, encoded, claimData };
}

function withClaim(encoded: JsonPayload, claimData: Record<string, string>): JsonPayload {
  return { ...encoded, data: toBase64(JSON.stringify({ driverName: driver.name, claimData })) };
}

describe("the codec server with the SDK's S3 driver", () => {
  it('stores, decodes and downloads', async () => {
    const { payload, encoded } = await encode();
    expect(encoded.externalPayloads).toEqual([{ sizeBytes: '100030' }]);
    for (const path of ['/decode', '/download']) {
      expect(await post(handler, path, { payloads: [encoded] })).toMatchObject({ status: 200, payloads: [payload] });
    }
  });

  it('answers 410 for an object that is not there, and keeps its reference in /decode', async () => {
    const { encoded, claimData } = await encode();
    const lost = withClaim(encoded, { ...claimData, key: `${claimData['key']!}0` });
    expect(await post(handler, '/download', { payloads: [lost] })).toMatchObject({ status: 410 });
    expect(await post(handler, '/decode', { payloads: [lost] })).toMatchObject({ status: 200, payloads: [lost] });
  });

  it('answers 422 for a digest that differs and for a claim without a key', async () => {
    const { encoded, claimData } = await encode();
    for (const claim of [{ ...claimData, hashValue: '0'.repeat(64) }, {}]) {
      expect(await post(handler, '/download', { payloads: [withClaim(encoded, claim)] })).toMatchObject({
        status: 422,
      });
    }
  });

  it('answers 502 for a bucket that is not there', async () => {
    const { encoded, claimData } = await encode();
    const elsewhere = withClaim(encoded, { ...claimData, bucket: 'elsewhere' });
    expect(await post(handler, '/download', { payloads: [elsewhere] })).toMatchObject({ status: 502 });
  });
});
