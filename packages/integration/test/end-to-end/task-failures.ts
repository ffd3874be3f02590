import type { WorkflowHandle } from '@temporalio/client';
import type { temporal } from '@temporalio/proto';
import { waitForValue, type Environment } from './harness';

type Failure = temporal.api.failure.v1.IFailure;

/** Waits until the workflow's activity has failed, and returns the last failure. */
export async function waitForActivityFailure({ client, namespace }: Environment, workflowId: string): Promise<Failure> {
  const request = { namespace, execution: { workflowId } };
  return waitForValue(async () => {
    const { pendingActivities } = await client.workflowService.describeWorkflowExecution(request);
    return pendingActivities[0]?.lastFailure ?? undefined;
  });
}

/** Waits until a workflow task has failed, and returns the first failure. A reset itself is recorded as one without a message. */
export async function waitForWorkflowTaskFailure(handle: WorkflowHandle): Promise<Failure> {
  return waitForValue(async () => {
    const { events } = await handle.fetchHistory();
    const failures = events?.map((event) => event.workflowTaskFailedEventAttributes?.failure);
    return failures?.find((failure) => failure?.message) ?? undefined;
  });
}
