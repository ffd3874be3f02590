import type { temporal as proto } from '@temporalio/proto';
import type { TemporalConnection } from '../temporal-connection';
import { describeNamespace, isNotFound, requestTemporal, toMs } from '../temporal-requests';
import { findReferences, type FoundReference } from './references';

/** A reference, and the event that holds it. */
export interface RunReference extends FoundReference {
  eventId: number | null;
  event: string;
  isCopy: boolean;
}

/** A run of a workflow. */
export interface InspectedRun {
  workflowId: string;
  runId: string;
  status: string;
  /** When Temporal deletes it, in milliseconds since 1970; undefined while it is open. */
  neededUntilMs: number | undefined;
  /** References that the run holds outside its history: its memo, its pending activities, their failures. */
  present: RunReference[];
}

/** Events that show what another workflow was started or signaled with: it is stored under that workflow. */
const COPYING_EVENTS = new Set(['StartChildWorkflowExecutionInitiated', 'SignalExternalWorkflowExecutionInitiated']);

type HistoryEvent = proto.api.history.v1.IHistoryEvent;

/** Describes a run; the latest one without a `runId`. Rejects if Temporal has no such run. */
export async function describeRun(
  temporal: TemporalConnection,
  workflowId: string,
  runId: string | undefined,
): Promise<InspectedRun> {
  const description = await describeExecution(temporal, workflowId, runId);
  const info = description.workflowExecutionInfo;
  const { retentionMs } = await describeNamespace(temporal);
  return {
    workflowId,
    runId: info?.execution?.runId ?? runId ?? '',
    status: formatStatus(info?.status ?? 0),
    neededUntilMs: info?.closeTime ? toMs(info.closeTime) + retentionMs : undefined,
    present: [...findReferences(description)].map((reference) => ({
      ...reference,
      field: reference.field.replace('workflowExecutionInfo.', ''),
      eventId: null,
      event: 'Now',
      isCopy: false,
    })),
  };
}

/** The references of a run's history, page by page. */
export async function* readHistory(
  temporal: TemporalConnection,
  { workflowId, runId }: InspectedRun,
): AsyncGenerator<RunReference[]> {
  let nextPageToken: Uint8Array | undefined;
  do {
    const page = await requestTemporal(temporal, (service, namespace) =>
      service.getWorkflowExecutionHistory({
        namespace,
        execution: { workflowId, runId },
        ...(nextPageToken && { nextPageToken }),
      }),
    );
    yield (page.history?.events ?? []).flatMap(findReferencesOfEvent);
    nextPageToken = page.nextPageToken;
  } while (nextPageToken?.length);
}

function findReferencesOfEvent(historyEvent: HistoryEvent): RunReference[] {
  const attributes = Object.keys(historyEvent).find((name) => name.endsWith('EventAttributes')) ?? '';
  const event = capitalize(attributes.replace(/EventAttributes$/, ''));
  return [...findReferences(historyEvent)].map((reference) => ({
    ...reference,
    field: reference.field.replace(`${attributes}.`, ''),
    eventId: Number(historyEvent.eventId),
    event,
    isCopy: COPYING_EVENTS.has(event),
  }));
}

async function describeExecution(
  temporal: TemporalConnection,
  workflowId: string,
  runId: string | undefined,
): Promise<proto.api.workflowservice.v1.IDescribeWorkflowExecutionResponse> {
  try {
    return await requestTemporal(temporal, (service, namespace) =>
      service.describeWorkflowExecution({
        namespace,
        execution: { workflowId, ...(runId !== undefined && { runId }) },
      }),
    );
  } catch (error) {
    if (!isNotFound(error)) throw error;
    const run = runId === undefined ? '' : ` with the run ID ${JSON.stringify(runId)}`;
    throw new Error(
      `Temporal has no workflow ${JSON.stringify(workflowId)}${run} in the namespace ${JSON.stringify(temporal.namespace)}: ` +
        'it never ran there, or its retention is over',
      { cause: error },
    );
  }
}

const STATUSES = ['Unknown', 'Running', 'Completed', 'Failed', 'Canceled', 'Terminated', 'ContinuedAsNew', 'TimedOut'];

function formatStatus(status: number): string {
  return STATUSES[status] ?? `Status ${status}`;
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
