import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { compareCosts, type Costs } from '../measure/compare';
import type { Cost } from '../measure/measure';
import { startProcess } from '../measure/server-process';
import type { Servers } from '../measure/servers';
import { BUCKET } from '../measure/storages';
import type { WorkflowLoad, WorkflowRun } from './workflow-load';

/** Measures what one workflow costs its worker with each storage. `flush` empties Redis. */
export async function measureWorkflow(
  servers: Servers,
  flush: () => Promise<unknown>,
  load: WorkflowLoad,
  rounds: number,
): Promise<Costs> {
  const folder = await mkdtemp(join(tmpdir(), 'workflows-'));
  try {
    const codePath = join(folder, 'bundle.js');
    await writeFile(codePath, await bundleWorkflows());
    let runs = 0;
    return await compareCosts(
      load.storages.map((storage) => ({
        name: storage,
        measureOnce: async () => {
          const cost = await measureRun(servers, { load, storage, codePath });
          await flush();
          runs += 1;
          console.error(
            `  run ${runs} of ${load.storages.length * (rounds + 1)}, ${storage}: ${cost.wallMs.toFixed(0)} ms`,
          );
          return cost;
        },
      })),
      rounds,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function bundleWorkflows(): Promise<string> {
  const logger = new DefaultLogger('WARN');
  const { code } = await bundleWorkflowCode({ workflowsPath: require.resolve('./workflows'), logger });
  return code;
}

/** Runs each workflow with a new S3 server, whose files are deleted afterwards so that they don't fill the disk. */
async function measureRun(
  { redis, upstash, temporal }: Servers,
  run: Pick<WorkflowRun, 'load' | 'storage' | 'codePath'>,
): Promise<Cost> {
  const s3 = await startProcess('s3-server', { bucket: BUCKET });
  try {
    const addresses = { redis: redis.url, upstash, s3: s3.result.url };
    const worker = await startProcess('../workflow/workflow-worker', { ...run, addresses, temporal });
    await worker.stop();
    return worker.result;
  } finally {
    await s3.stop();
  }
}
