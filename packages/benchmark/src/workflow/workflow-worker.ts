import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { ExternalStorage } from '@temporalio/common';
import { DefaultLogger, makeTelemetryFilterString, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { measureMemory, measureTimes, type Times } from '../measure/measure';
import { serve } from '../measure/server-process';
import { openDriver } from '../measure/storages';
import type { Activities, WorkflowLoad } from './workflow-load';
import type { exchange } from './workflows';

const activities: Activities = {
  replaceBytes: async ({ length, [0]: fill = 0 }) => new Uint8Array(length).fill(fill + 1),
};

serve<'../workflow/workflow-worker'>(async ({ load, storage, addresses, temporal, codePath }) => {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    // Without a storage, the SDK logs a warning for each payload.
    telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
  });
  const { address, namespace } = temporal;
  const driver = await openDriver(storage, addresses);
  const taskQueue = randomUUID();
  const worker = await Worker.create({
    connection: await NativeConnection.connect({ address }),
    namespace,
    taskQueue,
    workflowBundle: { codePath },
    activities,
    ...(driver && { dataConverter: { externalStorage: new ExternalStorage({ drivers: [driver] }) } }),
  });
  const client = new Client({ connection: await Connection.connect({ address }), namespace });
  const run = async (runLoad: WorkflowLoad): Promise<void> => {
    const bytes = await client.workflow.execute<typeof exchange>('exchange', {
      workflowId: randomUUID(),
      taskQueue,
      args: [runLoad],
      workflowExecutionTimeout: '2 minutes',
    });
    if (bytes !== (runLoad.count / 2) * runLoad.size) throw new Error(`The activities returned only ${bytes} bytes`);
  };
  return worker.runUntil(async () => {
    // A short warm-up run.
    await run({ ...load, count: 2 * load.concurrency });
    let times: Times | undefined;
    const memory = await measureMemory(
      async () => {
        times = await measureTimes(() => run(load));
      },
      () => process.memoryUsage.rss(),
    );
    return { ...times!, memory };
  });
});
