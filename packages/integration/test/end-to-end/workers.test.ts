import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { Client } from '@temporalio/client';
import { ExternalStorage } from '@temporalio/common';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { InMemoryStorageDriverClient } from '@temporal-redis-storage/core/testing';
import { readDocument } from '../documents/documents';
import { createLargeText, useServers, waitForValue } from './harness';
import { createDriver } from './shared-file';
import type { greet } from './shared-file-workflows';
import { waitForWorkflowTaskFailure } from './task-failures';
import { echo } from './workflows';

const createEnvironment = useServers();

describe("a worker's heartbeat", () => {
  it('tells the server the type of the storage driver, whatever its name', async () => {
    const environment = createEnvironment({ drivers: [{ driverName: 'payloads' }] });
    const { client, namespace, taskQueue, createWorker } = environment;
    const worker = await createWorker();
    await worker.runUntil(async () => {
      const info = await waitForValue(async () => {
        const { workers } = await client.workflowService.listWorkers({ namespace });
        return workers.find((candidate) => candidate.taskQueue === taskQueue);
      });
      expect(info.drivers).toMatchObject([{ type: 'redis' }]);
    });
  });
});

describe('without external storage', () => {
  const ADVICE = '[TMPRL1105] Detected externally stored payload(s) but external storage is not configured.';

  it("docs/errors.md lists TMPRL1105 first among the SDK's messages", () => {
    const [, table] = readDocument('docs/errors.md').split('## Messages of the SDK\n');
    expect(table!.split('\n').filter((line) => line.startsWith('| `'))[0]).toContain(`\`${ADVICE}\``);
  });

  it('a worker fails workflow tasks with TMPRL1105', async () => {
    const { client, taskQueue, createWorker } = createEnvironment();
    const worker = await createWorker({ dataConverter: {} });
    const args: [string] = [createLargeText('input')];
    const handle = await client.workflow.start(echo, { workflowId: randomUUID(), taskQueue, args });
    await worker.runUntil(async () => {
      expect((await waitForWorkflowTaskFailure(handle)).message).toBe(ADVICE);
    });
    await handle.terminate();
  });

  it('a client rejects results with TMPRL1105', async () => {
    const { client, namespace, taskQueue, createWorker } = createEnvironment();
    const worker = await createWorker();
    const args: [string] = [createLargeText('input')];
    const handle = await client.workflow.start(echo, { workflowId: randomUUID(), taskQueue, args });
    await worker.runUntil(handle.result());
    const plain = new Client({ connection: client.connection, namespace });
    await expect(plain.workflow.getHandle(handle.workflowId).result()).rejects.toThrow(ADVICE);
  });
});

describe('workflow code in a file that also builds the driver', () => {
  const workflowsPath = require.resolve('./shared-file-workflows');

  it('cannot be bundled', async () => {
    const log: unknown[] = [];
    const logger = new DefaultLogger('ERROR', (entry) => log.push(entry));
    await expect(bundleWorkflowCode({ workflowsPath, logger })).rejects.toThrow('Webpack finished with errors');
    expect(inspect(log, { maxStringLength: Infinity })).toContain('UnhandledSchemeError: Reading from "node:crypto"');
  });

  it('runs when the bundle ignores core', async () => {
    const { client, taskQueue, createWorker } = createEnvironment({
      storage: () => new ExternalStorage({ drivers: [createDriver(new InMemoryStorageDriverClient())] }),
    });
    const ignoreModules = ['@temporal-redis-storage/core'];
    const worker = await createWorker({ workflowsPath, bundlerOptions: { ignoreModules } });
    const execution = client.workflow.execute<typeof greet>('greet', {
      workflowId: randomUUID(),
      taskQueue,
      args: ['Redis'],
    });
    await expect(worker.runUntil(execution)).resolves.toBe('Hello, Redis');
  });
});
