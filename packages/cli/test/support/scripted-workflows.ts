import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import { temporal } from '@temporalio/proto';

const { CommandType, EventType, ScheduleOverlapPolicy } = temporal.api.enums.v1;

export type Command = temporal.api.command.v1.ICommand;

const POLL_MS = 60_000;
const PATIENCE_MS = 300_000;

/** Asks again and again until the answer is true, for five minutes. */
export async function eventually(ask: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await ask())) {
    if (Date.now() > deadline) throw new Error(`Not true within five minutes: ${String(ask)}`);
    await sleep(50);
  }
}

/** The payload that the SDK writes in place of one that it has stored under a key. */
export function referTo(key: string, driverName = 'redis'): Payload {
  const reference = { driverName, claimData: { key, hash_algorithm: 'sha256', hash_value: key.slice(-64), size: '1' } };
  return {
    metadata: {
      encoding: Buffer.from('json/protobuf'),
      messageType: Buffer.from('temporal.api.sdk.v1.ExternalStorageReference'),
    },
    data: Buffer.from(JSON.stringify(reference)),
  };
}

/** A failure whose details are a payload. */
export function failWith(details: Payload): temporal.api.failure.v1.IFailure {
  return { message: 'on purpose', applicationFailureInfo: { nonRetryable: true, details: { payloads: [details] } } };
}

/**
 * Workflows on a real server whose workflow tasks a test answers itself: no worker, so that the test decides which
 * references each history holds.
 */
export class ScriptedWorkflows {
  private readonly taskQueue = { name: `queue-${randomUUID()}` };
  private readonly workflowType = { name: 'scripted' };

  private constructor(
    readonly connection: Connection,
    readonly namespace: string,
  ) {}

  static async connect(address: string, namespace: string): Promise<ScriptedWorkflows> {
    return new ScriptedWorkflows(await Connection.connect({ address }), namespace);
  }

  /** The same server, and a task queue whose tasks nobody else takes. */
  fork(): ScriptedWorkflows {
    return new ScriptedWorkflows(this.connection, this.namespace);
  }

  get service(): Connection['workflowService'] {
    return this.connection.workflowService;
  }

  async close(): Promise<void> {
    await this.connection.close();
  }

  /** Starts a run, and answers its id. */
  async start(workflowId: string, input: Payload[] = [], options: { cronSchedule?: string } = {}): Promise<string> {
    const { runId } = await this.service.startWorkflowExecution({
      ...this.request(workflowId),
      input: { payloads: input },
      ...options,
    });
    return runId;
  }

  async signal(workflowId: string, input: Payload[] = []): Promise<void> {
    const { namespace } = this;
    await this.service.signalWorkflowExecution({
      namespace,
      workflowExecution: { workflowId },
      signalName: 'note',
      input: { payloads: input },
    });
  }

  /** Lets a workflow make a step: answers its next workflow task by these commands. */
  async step(workflowId: string, ...commands: Command[]): Promise<void> {
    await this.signal(workflowId);
    for (;;) {
      const { namespace, taskQueue } = this;
      const task = await this.connection.withDeadline(Date.now() + POLL_MS, () =>
        this.service.pollWorkflowTaskQueue({ namespace, taskQueue, identity: 'test' }),
      );
      if (task.taskToken.length === 0) continue;
      const isWanted = task.workflowExecution?.workflowId === workflowId;
      try {
        await this.service.respondWorkflowTaskCompleted({
          namespace,
          taskToken: task.taskToken,
          identity: 'test',
          commands: isWanted ? commands : [],
        });
      } catch (error) {
        // Something has happened to the workflow meanwhile: another task follows.
        if (String(error).includes('UnhandledCommand')) continue;
        if (!isWanted) continue;
        throw error;
      }
      if (isWanted) return;
    }
  }

  /** Answers the first workflow task of a run that `start` hasn't started, such as that of a schedule. */
  async complete(workflowId: string, result?: Payload): Promise<void> {
    const payloads = result === undefined ? [] : [result];
    await this.step(workflowId, {
      commandType: CommandType.COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION,
      completeWorkflowExecutionCommandAttributes: { result: { payloads } },
    });
  }

  async fail(workflowId: string, details: Payload, cause?: temporal.api.failure.v1.IFailure): Promise<void> {
    await this.step(workflowId, {
      commandType: CommandType.COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION,
      failWorkflowExecutionCommandAttributes: { failure: { ...failWith(details), ...(cause && { cause }) } },
    });
  }

  async continueAsNew(workflowId: string, input: Payload): Promise<void> {
    const { workflowType, taskQueue } = this;
    await this.step(workflowId, {
      commandType: CommandType.COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION,
      continueAsNewWorkflowExecutionCommandAttributes: { workflowType, taskQueue, input: { payloads: [input] } },
    });
  }

  /** Starts a child that outlives its parent, and waits until it runs. */
  async startChild(parentId: string, childId: string, input: Payload): Promise<void> {
    const { namespace, workflowType, taskQueue } = this;
    await this.step(parentId, {
      commandType: CommandType.COMMAND_TYPE_START_CHILD_WORKFLOW_EXECUTION,
      startChildWorkflowExecutionCommandAttributes: {
        namespace,
        workflowId: childId,
        workflowType,
        taskQueue,
        input: { payloads: [input] },
        parentClosePolicy: temporal.api.enums.v1.ParentClosePolicy.PARENT_CLOSE_POLICY_ABANDON,
      },
    });
    await eventually(async () => (await this.describe(childId)) !== undefined);
  }

  /** Starts the latest closed run again, from its first workflow task. */
  async reset(workflowId: string, runId: string): Promise<string> {
    const { namespace } = this;
    const history = await this.readHistory(workflowId, runId);
    const task = history.find(({ eventType }) => eventType === EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED);
    if (task === undefined) throw new Error(`${workflowId} has completed no workflow task`);
    const response = await this.service.resetWorkflowExecution({
      namespace,
      workflowExecution: { workflowId, runId },
      reason: 'test',
      requestId: randomUUID(),
      workflowTaskFinishEventId: task.eventId!,
    });
    return response.runId;
  }

  async terminate(workflowId: string): Promise<void> {
    const { namespace } = this;
    await this.service.terminateWorkflowExecution({ namespace, workflowExecution: { workflowId } });
  }

  async createSchedule(scheduleId: string, workflowId: string, input: Payload): Promise<void> {
    const { namespace, workflowType, taskQueue } = this;
    await this.service.createSchedule({
      namespace,
      scheduleId,
      requestId: randomUUID(),
      schedule: {
        spec: {},
        action: { startWorkflow: { workflowId, workflowType, taskQueue, input: { payloads: [input] } } },
      },
    });
  }

  /** Lets a schedule start a run now, and answers the run's workflow id. */
  async trigger(scheduleId: string, baseId: string): Promise<string> {
    const { namespace } = this;
    // A run's workflow id ends with its time in seconds, and a second run with this id would not start.
    await sleep(1100);
    const before = new Set((await this.list()).map(({ workflowId }) => workflowId));
    await this.service.patchSchedule({
      namespace,
      scheduleId,
      requestId: randomUUID(),
      patch: { triggerImmediately: { overlapPolicy: ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE } },
    });
    let started: string | undefined;
    await eventually(async () => {
      const runs = await this.list();
      started = runs.find(
        ({ workflowId }) => workflowId.startsWith(`${baseId}-`) && !before.has(workflowId),
      )?.workflowId;
      return started !== undefined;
    });
    return started!;
  }

  /** Waits until the list of schedules has a schedule, or no more. */
  async waitForSchedule(scheduleId: string, exists: boolean): Promise<void> {
    const { namespace } = this;
    await eventually(async () => {
      const { schedules } = await this.service.listSchedules({ namespace, maximumPageSize: 1000 });
      return schedules.some((schedule) => schedule.scheduleId === scheduleId) === exists;
    });
  }

  async startActivity(activityId: string, input: Payload[] = []): Promise<void> {
    const { namespace, taskQueue } = this;
    await this.service.startActivityExecution({
      namespace,
      activityId,
      activityType: { name: 'work' },
      taskQueue,
      input: { payloads: input },
      requestId: randomUUID(),
      startToCloseTimeout: { seconds: 600 as never },
    });
    await eventually(async () => {
      const { executions } = await this.service.listActivityExecutions({ namespace, pageSize: 1000 });
      return executions.some((execution) => execution.activityId === activityId);
    });
  }

  async deleteActivity(activityId: string): Promise<void> {
    const { namespace } = this;
    const find = async () => {
      const { executions } = await this.service.listActivityExecutions({ namespace, pageSize: 1000 });
      return executions.find((execution) => execution.activityId === activityId);
    };
    await this.service.terminateActivityExecution({ namespace, activityId, requestId: randomUUID() });
    // Visibility may list an activity forever that is deleted before it is listed as closed.
    await eventually(async () => (await find())?.closeTime != null);
    await this.service.deleteActivityExecution({ namespace, activityId });
    await eventually(async () => (await find()) === undefined);
  }

  /** All that the server knows of a standalone activity, serialized. */
  async describeActivity(activityId: string): Promise<Uint8Array> {
    const { namespace } = this;
    const request = { namespace, activityId, includeInput: true, includeOutcome: true };
    const description = await this.service.describeActivityExecution(request);
    return temporal.api.workflowservice.v1.DescribeActivityExecutionResponse.encode(description).finish();
  }

  async deleteSchedule(scheduleId: string): Promise<void> {
    const { namespace } = this;
    await this.service.deleteSchedule({ namespace, scheduleId });
  }

  /**
   * Deletes every run with one of these workflow ids, as the end of the retention does, and waits until visibility has
   * forgotten them.
   */
  async deleteRuns(...workflowIds: string[]): Promise<void> {
    const { namespace } = this;
    const wanted = new Set(workflowIds);
    const requested = new Set<string>();
    await eventually(async () => {
      const runs = (await this.list()).filter(({ workflowId }) => wanted.has(workflowId));
      for (const { workflowId, runId } of runs) {
        // Visibility may list a run only after its successor.
        if (requested.has(runId)) continue;
        requested.add(runId);
        await this.service.deleteWorkflowExecution({ namespace, workflowExecution: { workflowId, runId } });
      }
      return runs.length === 0;
    });
  }

  async describe(workflowId: string): Promise<temporal.api.workflow.v1.IWorkflowExecutionInfo | undefined> {
    const { namespace } = this;
    try {
      const description = await this.service.describeWorkflowExecution({ namespace, execution: { workflowId } });
      return description.workflowExecutionInfo ?? undefined;
    } catch {
      return undefined;
    }
  }

  /** All runs that visibility lists. */
  async list(query = ''): Promise<{ workflowId: string; runId: string; isOpen: boolean }[]> {
    const { namespace } = this;
    const { executions } = await this.service.listWorkflowExecutions({ namespace, query, pageSize: 1000 });
    return executions.map(({ execution, closeTime }) => ({
      workflowId: execution!.workflowId!,
      runId: execution!.runId!,
      isOpen: closeTime == null,
    }));
  }

  async readHistory(workflowId: string, runId?: string): Promise<temporal.api.history.v1.IHistoryEvent[]> {
    const { namespace } = this;
    const page = await this.service.getWorkflowExecutionHistory({
      namespace,
      execution: { workflowId, ...(runId !== undefined && { runId }) },
    });
    return page.history?.events ?? [];
  }

  /** Waits until visibility lists a workflow as open or closed. */
  async waitFor(workflowId: string, isOpen: boolean): Promise<void> {
    await eventually(async () => {
      const runs = (await this.list()).filter((run) => run.workflowId === workflowId);
      return runs.length > 0 && runs.some((run) => run.isOpen) === isOpen;
    });
  }

  /** A request that starts a workflow. */
  request(workflowId: string) {
    const { namespace, workflowType, taskQueue } = this;
    return { namespace, workflowId, workflowType, taskQueue, requestId: randomUUID() };
  }
}
