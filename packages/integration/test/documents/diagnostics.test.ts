import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { transform } from 'esbuild';
import { startRedis, startTemporal } from '@temporal-redis-storage/testing';
import { findFreePort } from '../../../testing/src/servers/port';
import { run } from '../install/run';
import { ROOT } from '../workspace';
import { findCodeBlocks } from './documents';

// This folder resolves every package that the blocks import.
mkdirSync(join(ROOT, 'packages/integration/lib'), { recursive: true });
const folder = mkdtempSync(join(ROOT, 'packages/integration/lib/diagnostics-'));

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** The code of the operations page that imports `name`, as JavaScript, with `more` after it. */
async function write(name: string, more: string, replace: [string, string] = ['', '']): Promise<string> {
  const blocks = findCodeBlocks('docs/operations.md').filter(({ code }) => code.includes(name));
  expect(blocks).toHaveLength(1);
  const { code } = await transform(blocks[0]!.code.replace(...replace) + more, { loader: 'ts', format: 'esm' });
  const path = join(folder, `${name}.mjs`);
  await writeFile(path, code);
  return path;
}

const STORE_AND_LOSE = `
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import { InMemoryStorageDriverClient } from '@temporal-redis-storage/core/testing';
const client = new InMemoryStorageDriverClient();
const driver = new RedisStorageDriver({ client });
const claims = await driver.store({}, [{ data: Buffer.from('payload-content') }]);
await driver.retrieve({}, claims);
client.entries.clear();
await driver.retrieve({}, claims).catch(() => {});
`;

describe('the operations page', () => {
  it("adds metrics to the Prometheus endpoint of a worker's process", async () => {
    const [redis, temporal, port] = [await startRedis(), await startTemporal(), await findFreePort()];
    try {
      await writeFile(join(folder, 'workflows.mjs'), 'export const echo = async (text) => text;\n');
      const program = await write(
        'recordMetrics',
        `
        import { createClient } from 'redis';
        import { Client, Connection } from '@temporalio/client';
        import { ExternalStorage } from '@temporalio/common';
        import { NativeConnection, Worker } from '@temporalio/worker';
        import { RedisStorageDriver } from '@temporal-redis-storage/core';
        import { NodeRedisStorageDriverClient } from '@temporal-redis-storage/node-redis';
        const { REDIS_URL, ADDRESS: address, NAMESPACE: namespace } = process.env;
        const redis = await createClient({ url: REDIS_URL }).connect();
        const driver = new RedisStorageDriver({ client: new NodeRedisStorageDriverClient(redis) });
        const dataConverter = { externalStorage: new ExternalStorage({ drivers: [driver] }) };
        const connection = await NativeConnection.connect({ address });
        const worker = await Worker.create({
          connection, namespace, dataConverter, taskQueue: 'metrics', workflowsPath: ${JSON.stringify(join(folder, 'workflows.mjs'))},
        });
        const client = new Client({ connection: await Connection.connect({ address }), namespace, dataConverter });
        const start = () => client.workflow.execute('echo', { taskQueue: 'metrics', workflowId: 'metrics', args: ['x'.repeat(300_000)] });
        await worker.runUntil(start);
        console.log(await (await fetch('http://127.0.0.1:${port}/metrics')).text());
        process.exit();`,
        ['9464', String(port)],
      );
      const { address, namespace } = temporal;
      const env = { REDIS_URL: redis.url, ADDRESS: address, NAMESPACE: namespace };
      const metrics = await run(folder, process.execPath, [program], env);
      // The argument and the result are stored once each and read once each.
      const read = (name: string, tags: string): number => {
        const lines = metrics.split('\n').filter((line) => line.startsWith(`${name}{`) && line.includes(tags));
        return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
      };
      expect(read('redis_storage_operation_duration_count', 'outcome="inserted"')).toBe(2);
      expect(read('redis_storage_operation_duration_count', 'outcome="read"')).toBeGreaterThanOrEqual(2);
      expect(read('redis_storage_payload_size_sum', 'outcome="inserted"')).toBeGreaterThan(600_000);
      expect(read('redis_storage_queue_duration_count', 'operation="store"')).toBe(2);
      const ours = metrics.split('\n').filter((line) => line.includes('redis_storage'));
      expect(ours.join('\n')).not.toMatch(/sha256|temporalio:payloads|xxxx/);
      // The SDK's own metrics are there too.
      expect(metrics).toContain('temporal_');
    } finally {
      await Promise.all([redis.stop(), temporal.stop()]);
    }
  });

  it('makes OpenTelemetry spans of the traces', async () => {
    const program = await write(
      'SpanStatusCode',
      `
      import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
      const exporter = new InMemorySpanExporter();
      trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
      ${STORE_AND_LOSE}
      const finished = exporter.getFinishedSpans();
      console.log(JSON.stringify(finished.map(({ name, attributes, status }) => ({ name, attributes, status }))));`,
    );
    const spans = JSON.parse(await run(folder, process.execPath, [program])) as {
      name: string;
      attributes: Record<string, string>;
      status: { code: number };
    }[];
    expect(
      spans.map(({ name, attributes, status }) => [name, attributes['redis_storage.outcome'], status.code]),
    ).toEqual([
      ['redis_storage.store', 'inserted', 0],
      ['redis_storage.retrieve', 'read', 0],
      ['redis_storage.retrieve', 'not_found', 2],
    ]);
    for (const { attributes } of spans) expect(attributes['db.redis.key']).toContain(':d:sha256:');
    expect(JSON.stringify(spans)).not.toContain('payload-content');
  });

  it('says what becomes of an error that a subscriber throws', async () => {
    const path = join(folder, 'throwing.mjs');
    await writeFile(
      path,
      `
      import { tracingChannel } from 'node:diagnostics_channel';
      const fail = () => { throw new Error('subscriber'); };
      for (const operation of ['store', 'retrieve'])
        tracingChannel('temporal-redis-storage:' + operation).subscribe({ start: fail, end: fail, asyncStart: fail, asyncEnd: fail, error: fail });
      let uncaught = 0;
      process.on('uncaughtException', ({ message }) => void (uncaught += message === 'subscriber' ? 1 : NaN));
      ${STORE_AND_LOSE}
      const [payload] = await driver.retrieve({}, await driver.store({}, [{ data: Buffer.from('more') }]));
      await new Promise(setImmediate);
      console.log(Buffer.from(payload.data).toString(), uncaught > 10);`,
    );
    expect(await run(folder, process.execPath, [path])).toBe('more true\n');
  });
});
