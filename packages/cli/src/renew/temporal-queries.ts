import { temporal as proto, type google } from '@temporalio/proto';
import { formatError } from '../output/error';
import type { TemporalConnection } from '../temporal-connection';
import { describeNamespace, isNotFound, requestTemporal, toMs } from '../temporal-requests';
import { createRateLimiter, type RateLimiter } from './rate-limit';

/** A run of a workflow, or an execution of a standalone activity, that Temporal still has. */
export interface Run {
  id: string;
  /** The parent's workflow id, if it is in the same namespace. */
  parentId?: string;
  /** Milliseconds since 1970. */
  startedAt: number;
  /** Milliseconds since 1970; absent while open. */
  closedAt?: number;
  /** Whether it closed with a result. */
  completed: boolean;
}

const PAGE_SIZE = 1000;

/** Failures in a row after which no more is asked: each may take as long as the request's time-out. */
const MAX_FAILURES = 3;

const CHILDREN_WITH_PAYLOADS =
  'ParentWorkflowId IS NOT NULL AND ' +
  'ExecutionStatus IN ("Failed", "Canceled", "Terminated", "TimedOut", "ContinuedAsNew")';

const { WORKFLOW_EXECUTION_STATUS_COMPLETED } = proto.api.enums.v1.WorkflowExecutionStatus;
const { WorkflowExecutionStartedEventAttributes } = proto.api.history.v1;

/** Asks Temporal through the raw service, at a limited rate, without decoding payloads. */
export class TemporalQueries {
  private readonly waitForTurn: RateLimiter;
  /** Why Temporal couldn't be asked, the last time. */
  failure: string | undefined;
  private failures = 0;
  private namespaceId: string | undefined;

  constructor(
    private readonly temporal: TemporalConnection,
    maxRps: number,
    private readonly signal: AbortSignal | undefined,
    private readonly onRequest?: () => void,
  ) {
    this.waitForTurn = createRateLimiter(maxRps);
  }

  /** How long the namespace keeps closed runs, in milliseconds. */
  async describeRetention(): Promise<number> {
    const { id, retentionMs } = await this.ask(async () => describeNamespace(this.temporal));
    this.namespaceId = id;
    return retentionMs;
  }

  /** The runs that match a query of Temporal's visibility. */
  async *listRuns(query: string): AsyncGenerator<Run> {
    let nextPageToken: Uint8Array | undefined;
    do {
      const page = await this.request((service, namespace) =>
        service.listWorkflowExecutions({
          namespace,
          query,
          pageSize: PAGE_SIZE,
          ...(nextPageToken && { nextPageToken }),
        }),
      );
      for (const info of page.executions) yield this.toRun(info);
      nextPageToken = page.nextPageToken;
    } while (nextPageToken?.length);
  }

  /**
   * The parents of closed children whose parent's history refers to payloads under the child's own id: its failure, or
   * its result after it had continued as new. (Any other result of a child is stored under its parent.)
   */
  async listParents(): Promise<Map<string, Set<string>>> {
    const parents = new Map<string, Set<string>>();
    for await (const { id, parentId } of this.listRuns(CHILDREN_WITH_PAYLOADS)) {
      if (parentId === undefined) continue;
      const known = parents.get(id);
      if (known) known.add(parentId);
      else parents.set(id, new Set([parentId]));
    }
    return parents;
  }

  /** The latest run with a workflow id; undefined if there is none. */
  async describeLatestRun(workflowId: string): Promise<Run | undefined> {
    const description = await this.ignoreNotFound(
      this.request((service, namespace) => service.describeWorkflowExecution({ namespace, execution: { workflowId } })),
    );
    const info = description?.workflowExecutionInfo;
    return info ? this.toRun(info) : undefined;
  }

  /** The standalone activities that match a query. */
  async *listActivities(query: string): AsyncGenerator<Run> {
    let nextPageToken: Uint8Array | undefined;
    do {
      const page = await this.request((service, namespace) =>
        service.listActivityExecutions({
          namespace,
          query,
          pageSize: PAGE_SIZE,
          ...(nextPageToken && { nextPageToken }),
        }),
      );
      for (const { activityId, scheduleTime, closeTime } of page.executions) {
        yield toRun(activityId ?? '', scheduleTime, closeTime);
      }
      nextPageToken = page.nextPageToken;
    } while (nextPageToken?.length);
  }

  /** The latest execution of a standalone activity; undefined if there is none. */
  async describeActivity(activityId: string): Promise<Run | undefined> {
    const description = await this.ignoreNotFound(
      this.request((service, namespace) => service.describeActivityExecution({ namespace, activityId })),
    );
    const info = description?.info;
    return info ? toRun(activityId, info.scheduleTime, info.closeTime) : undefined;
  }

  /** The workflow ids of the actions of all schedules. */
  async listActionIds(): Promise<Set<string>> {
    const actionIds = new Set<string>();
    let nextPageToken: Uint8Array | undefined;
    do {
      const page = await this.request((service, namespace) =>
        service.listSchedules({ namespace, maximumPageSize: PAGE_SIZE, ...(nextPageToken && { nextPageToken }) }),
      );
      for (const { scheduleId = null } of page.schedules) {
        const description = await this.ignoreNotFound(
          this.request((service, namespace) => service.describeSchedule({ namespace, scheduleId })),
        );
        const actionId = description?.schedule?.action?.startWorkflow?.workflowId;
        if (actionId) actionIds.add(actionId);
      }
      nextPageToken = page.nextPageToken;
    } while (nextPageToken?.length);
    return actionIds;
  }

  /** The result and failure that the latest run with this id got from the run before it, as text that includes claims. */
  async describeHandover({ id }: Run): Promise<string> {
    const page = await this.ignoreNotFound(
      this.request((service, namespace) =>
        service.getWorkflowExecutionHistory({ namespace, execution: { workflowId: id }, maximumPageSize: 1 }),
      ),
    );
    const started = page?.history?.events?.[0]?.workflowExecutionStartedEventAttributes;
    const { lastCompletionResult = null, continuedFailure = null } = started ?? {};
    const attributes = WorkflowExecutionStartedEventAttributes.encode({ lastCompletionResult, continuedFailure });
    return Buffer.from(attributes.finish()).toString('latin1');
  }

  private async request<T>(
    send: (service: TemporalConnection['service'], namespace: string) => Promise<T>,
  ): Promise<T> {
    return this.ask(async () => requestTemporal(this.temporal, send));
  }

  private async ask<T>(question: () => Promise<T>): Promise<T> {
    this.signal?.throwIfAborted();
    if (this.failures >= MAX_FAILURES) throw new Error('Temporal failed several times in a row');
    await this.waitForTurn();
    this.onRequest?.();
    try {
      const response = await question();
      this.failures = 0;
      return response;
    } catch (error) {
      // An answer, though not the one that was hoped for.
      if (isNotFound(error)) this.failures = 0;
      else {
        this.failures += 1;
        this.failure = formatError(error);
      }
      throw error;
    }
  }

  private async ignoreNotFound<T>(response: Promise<T>): Promise<T | undefined> {
    try {
      return await response;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  private toRun(info: proto.api.workflow.v1.IWorkflowExecutionInfo): Run {
    const run = toRun(info.execution?.workflowId ?? '', info.startTime, info.closeTime);
    run.completed = info.status === WORKFLOW_EXECUTION_STATUS_COMPLETED;
    const parentId = info.parentExecution?.workflowId;
    const parentIsHere = !this.namespaceId || !info.parentNamespaceId || info.parentNamespaceId === this.namespaceId;
    if (parentId && parentIsHere) run.parentId = parentId;
    return run;
  }
}

type Timestamp = google.protobuf.ITimestamp | null | undefined;

function toRun(id: string, startTime: Timestamp, closeTime: Timestamp): Run {
  const run: Run = { id, startedAt: startTime ? toMs(startTime) : 0, completed: false };
  if (closeTime) run.closedAt = toMs(closeTime);
  return run;
}
