import { Client, Connection } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Worker } from '@temporalio/worker';
import * as activities from './activities';
import type { RegionSummary } from './activities';
import type { Page, Product } from './orders';
import { processOrders } from './workflows';

/** Long enough for 40 MB on a slow machine; ends the demo if a server fails during a run. */
const TIMEOUT = '2 minutes';

export interface TemporalAddress {
  address: string;
  namespace: string;
}

export interface PipelineRun {
  workflowId: string;
  pages: Page[];
  catalogue: Product[];
  /** Converters with external storage. The client and the worker may use different Redis libraries. */
  dataConverters?: { client: DataConverter; worker: DataConverter };
}

/** Size of the Event Histories of a workflow and its children. */
export interface HistorySize {
  events: number;
  bytes: number;
}

/** Runs the demo's workflow on a Temporal server. */
export class Pipeline {
  private unfinished: string | undefined;

  private constructor(
    private readonly connection: Connection,
    private readonly nativeConnection: NativeConnection,
    private readonly namespace: string,
    private readonly workflowBundle: { code: string },
  ) {}

  static async open(temporal: TemporalAddress): Promise<Pipeline> {
    const [connection, nativeConnection] = await connectTo(temporal);
    const workflowBundle = await bundleWorkflowCode({
      workflowsPath: require.resolve('./workflows'),
      logger: new DefaultLogger('WARN'),
    });
    return new Pipeline(connection, nativeConnection, temporal.namespace, workflowBundle);
  }

  /** Starts a worker, runs the workflow on it, and stops the worker. */
  async run({ workflowId, pages, catalogue, dataConverters }: PipelineRun): Promise<RegionSummary[]> {
    const worker = await Worker.create({
      connection: this.nativeConnection,
      namespace: this.namespace,
      taskQueue: workflowId,
      workflowBundle: this.workflowBundle,
      activities,
      ...(dataConverters && { dataConverter: dataConverters.worker }),
    });
    this.unfinished = workflowId;
    return worker.runUntil(async () => {
      try {
        return await this.createClient(dataConverters?.client).workflow.execute(processOrders, {
          workflowId,
          taskQueue: workflowId,
          args: [pages, catalogue],
          workflowExecutionTimeout: TIMEOUT,
        });
      } finally {
        this.unfinished = undefined;
      }
    });
  }

  /** Adds up the history sizes that the server reports. */
  async measureHistory(workflowIds: string[]): Promise<HistorySize> {
    const size: HistorySize = { events: 0, bytes: 0 };
    for (const workflowId of workflowIds) {
      const { historyLength, historySize } = await this.createClient().workflow.getHandle(workflowId).describe();
      size.events += historyLength;
      size.bytes += historySize ?? 0;
    }
    return size;
  }

  /** Terminates a workflow that was interrupted, and its children with it. */
  async terminate(): Promise<void> {
    if (this.unfinished === undefined) return;
    await this.createClient().workflow.getHandle(this.unfinished).terminate('The demo was interrupted');
  }

  async close(): Promise<void> {
    await this.nativeConnection.close();
    await this.connection.close();
  }

  private createClient(dataConverter?: DataConverter): Client {
    return new Client({
      connection: this.connection,
      namespace: this.namespace,
      ...(dataConverter && { dataConverter }),
    });
  }
}

async function connectTo({ address, namespace }: TemporalAddress): Promise<[Connection, NativeConnection]> {
  try {
    const connection = await Connection.connect({ address });
    await connection.workflowService.describeNamespace({ namespace });
    return [connection, await NativeConnection.connect({ address })];
  } catch (cause) {
    const options = '--temporal-address and --temporal-namespace';
    throw new Error(`Cannot use Temporal at ${address}, namespace '${namespace}' (see ${options})`, { cause });
  }
}
