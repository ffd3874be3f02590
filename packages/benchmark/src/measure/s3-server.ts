import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import S3rver from 's3rver';
import { serve } from './server-process';

serve<'s3-server'>(async ({ bucket }) => {
  const directory = mkdtempSync(join(tmpdir(), 's3-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  const server = new S3rver({
    address: '127.0.0.1',
    port: 0,
    silent: true,
    directory,
    configureBuckets: [{ name: bucket, configs: [] }],
  });
  const { port } = await server.run();
  return { url: `http://127.0.0.1:${port}` };
});
