import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { activityInfo, CompleteAsyncError, heartbeat } from '@temporalio/activity';
import { WithStartWorkflowOperation, type Connection } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { startWorkflow, WorkflowRunOperationHandler } from '@temporalio/nexus';
import { serviceHandler } from 'nexus-rpc';
import { inspectWorkflow, type InspectResult } from '@temporal-redis-storage/cli';
import { createLargeText, useServers, waitForValue, type Environment } from './harness';
import { echoService } from './nexus-service';
import { findReferences } from './references';
import {
  callNexus,
  close,
  echo,
  exchange,
  fail,
  mailbox,
  parent,
  perform,
  performAndCatch,
  performLocally,
  put,
  relay,
  reviseMemo,
  send,
} from './workflows';

const createEnvironment = useServers();

/** Sends payloads along a path, and answers what `inspect` must find: `event.field` by workflow id. */
type Path = (environment: Environment, id: string) => Promise<Record<string, string[]>>;

const work = async (input: string): Promise<string> => `${input}, worked on`;

const PATHS: Record<string, Path> = {
  'input and result': async ({ client, taskQueue, createWorker }, id) => {
    const worker = await createWorker();
    const args: [string] = [createLargeText('input')];
    await worker.runUntil(client.workflow.execute(echo, { workflowId: id, taskQueue, args }));
    return { [id]: ['WorkflowExecutionStarted.input', 'WorkflowExecutionCompleted.result'] };
  },
  'a failure': async ({ client, taskQueue, createWorker }, id) => {
    const worker = await createWorker();
    const args: [string] = [createLargeText('details')];
    const outcome = client.workflow.execute(fail, { workflowId: id, taskQueue, args });
    await worker.runUntil(outcome.catch(() => {}));
    return {
      [id]: ['WorkflowExecutionStarted.input', 'WorkflowExecutionFailed.failure.applicationFailureInfo.details'],
    };
  },
  'an activity': async ({ client, taskQueue, createWorker }, id) => {
    const worker = await createWorker({ activities: { work } });
    const args: [string] = [createLargeText('input')];
    await worker.runUntil(client.workflow.execute(perform, { workflowId: id, taskQueue, args }));
    return {
      [id]: [
        'WorkflowExecutionStarted.input',
        'ActivityTaskScheduled.input',
        'ActivityTaskCompleted.result',
        'WorkflowExecutionCompleted.result',
      ],
    };
  },
  'a local activity': async ({ client, taskQueue, createWorker }, id) => {
    const worker = await createWorker({ activities: { work } });
    const args: [string] = [createLargeText('input')];
    await worker.runUntil(client.workflow.execute(performLocally, { workflowId: id, taskQueue, args }));
    return {
      [id]: ['WorkflowExecutionStarted.input', 'MarkerRecorded.details.result', 'WorkflowExecutionCompleted.result'],
    };
  },
  "an activity's failure": async ({ client, taskQueue, createWorker }, id) => {
    const details = createLargeText('details');
    const activities = {
      work: async () => {
        throw ApplicationFailure.nonRetryable('on purpose', 'OnPurpose', details);
      },
    };
    const worker = await createWorker({ activities });
    await worker.runUntil(client.workflow.execute(performAndCatch, { workflowId: id, taskQueue, args: ['small'] }));
    return {
      [id]: ['ActivityTaskFailed.failure.applicationFailureInfo.details', 'WorkflowExecutionCompleted.result'],
    };
  },
  'a pending activity that has failed': async ({ client, taskQueue, createWorker }, id) => {
    const [progress, details] = [createLargeText('progress'), createLargeText('details')];
    let isRetried = false;
    const activities = {
      work: async () => {
        isRetried = activityInfo().attempt > 1;
        if (isRetried) throw new CompleteAsyncError();
        heartbeat(progress);
        throw ApplicationFailure.create({ message: 'on purpose', details: [details] });
      },
    };
    const worker = await createWorker({ activities });
    await client.workflow.start(perform, { workflowId: id, taskQueue, args: ['small'] });
    await worker.runUntil(waitForValue(async () => isRetried || undefined));
    return {
      [id]: [
        'Now.pendingActivities.heartbeatDetails',
        'Now.pendingActivities.lastFailure.applicationFailureInfo.details',
      ],
    };
  },
  'an activity that is completed by its task token': async ({ client, taskQueue, createWorker }, id) => {
    let taskToken: Uint8Array | undefined;
    const activities = {
      work: async () => {
        ({ taskToken } = activityInfo());
        throw new CompleteAsyncError();
      },
    };
    const worker = await createWorker({ activities });
    const handle = await client.workflow.start(perform, { workflowId: id, taskQueue, args: ['small'] });
    await worker.runUntil(async () => {
      await client.activity.complete(await waitForValue(async () => taskToken), createLargeText('result'));
      await handle.result();
    });
    return { [id]: ['ActivityTaskCompleted.result', 'WorkflowExecutionCompleted.result'] };
  },
  'a child': async ({ client, taskQueue, createWorker }, id) => {
    const worker = await createWorker();
    const args: [string] = [createLargeText('input')];
    await worker.runUntil(client.workflow.execute(parent, { workflowId: id, taskQueue, args }));
    return {
      [id]: [
        'WorkflowExecutionStarted.input',
        'StartChildWorkflowExecutionInitiated.input (a copy)',
        'ChildWorkflowExecutionCompleted.result',
        'WorkflowExecutionCompleted.result',
      ],
      [`${id}-child`]: ['WorkflowExecutionStarted.input', 'WorkflowExecutionCompleted.result'],
    };
  },
  'a run that continues as new': async ({ client, taskQueue, createWorker }, id) => {
    const worker = await createWorker();
    const args: [string, number] = [createLargeText('input'), 2];
    const handle = await client.workflow.start(relay, { workflowId: id, taskQueue, args });
    await worker.runUntil(handle.result());
    return {
      [`${id}/${handle.firstExecutionRunId}`]: [
        'WorkflowExecutionStarted.input[0]',
        'WorkflowExecutionContinuedAsNew.input[0]',
      ],
      [id]: ['WorkflowExecutionStarted.input[0]', 'WorkflowExecutionCompleted.result'],
    };
  },
  'a memo': async ({ client, taskQueue, createWorker }, id) => {
    const worker = await createWorker();
    const memo = { note: createLargeText('note') };
    await worker.runUntil(client.workflow.execute(reviseMemo, { workflowId: id, taskQueue, memo }));
    return {
      [id]: [
        'WorkflowExecutionStarted.memo.note',
        'WorkflowPropertiesModified.upsertedMemo.note',
        'WorkflowExecutionCompleted.result',
        'Now.memo.note',
      ],
    };
  },
  'a schedule': async ({ client, taskQueue, createWorker }, id) => {
    const args: [string] = [createLargeText('input')];
    const action = { type: 'startWorkflow', workflowType: echo, workflowId: id, taskQueue, args } as const;
    const schedule = await client.schedule.create({ scheduleId: id, spec: {}, action });
    const worker = await createWorker();
    const workflowId = await worker.runUntil(async () => {
      await schedule.trigger();
      const run = await waitForValue(async () => (await schedule.describe()).info.recentActions[0]?.action.workflow);
      await client.workflow.result(run.workflowId);
      return run.workflowId;
    });
    await schedule.delete();
    return { [workflowId]: ['WorkflowExecutionStarted.input', 'WorkflowExecutionCompleted.result'] };
  },
  'signals and updates': async ({ client, taskQueue, createWorker }, id) => {
    const worker = await createWorker();
    const handle = await client.workflow.signalWithStart(mailbox, {
      workflowId: id,
      taskQueue,
      args: [createLargeText('first')],
      signal: put,
      signalArgs: [createLargeText('second')],
    });
    await worker.runUntil(async () => {
      await handle.executeUpdate(exchange, { args: [createLargeText('third')] });
      await handle.signal(put, createLargeText('fourth'));
      await handle.signal(close);
      await handle.result();
    });
    return {
      [id]: [
        'WorkflowExecutionStarted.input',
        'WorkflowExecutionSignaled.input',
        'WorkflowExecutionUpdateAccepted.acceptedRequest.input.args',
        'WorkflowExecutionUpdateCompleted.outcome.success',
        'WorkflowExecutionSignaled.input',
        'WorkflowExecutionCompleted.result',
      ],
    };
  },
  'an update with start': async ({ client, taskQueue, createWorker }, id) => {
    const worker = await createWorker();
    const startWorkflowOperation = new WithStartWorkflowOperation(mailbox, {
      workflowId: id,
      taskQueue,
      args: [createLargeText('input')],
      workflowIdConflictPolicy: 'FAIL',
    });
    await worker.runUntil(async () => {
      const args: [string] = [createLargeText('letter')];
      await client.workflow.executeUpdateWithStart(exchange, { args, startWorkflowOperation });
      await client.workflow.getHandle(id).signal(close);
      await client.workflow.result(id);
    });
    return {
      [id]: [
        'WorkflowExecutionStarted.input',
        'WorkflowExecutionUpdateAccepted.acceptedRequest.input.args',
        'WorkflowExecutionUpdateCompleted.outcome.success',
        'WorkflowExecutionCompleted.result',
      ],
    };
  },
  'a signal from another workflow': async ({ client, taskQueue, createWorker }, id) => {
    const worker = await createWorker();
    const receiver = await client.workflow.start(mailbox, { workflowId: id, taskQueue });
    const senderId = `${id}-sender`;
    await worker.runUntil(async () => {
      const args: [string, string] = [id, createLargeText('letter')];
      await client.workflow.execute(send, { workflowId: senderId, taskQueue, args });
      await receiver.signal(close);
      await receiver.result();
    });
    return {
      [senderId]: ['WorkflowExecutionStarted.input[1]', 'SignalExternalWorkflowExecutionInitiated.input (a copy)'],
      [id]: ['WorkflowExecutionSignaled.input', 'WorkflowExecutionCompleted.result'],
    };
  },
  'a Nexus operation, answered at once': async (environment, id) => ({
    [id]: await runNexus(environment, id, 'now'),
  }),
  'a Nexus operation, answered by a workflow': async (environment, id) => ({
    [id]: await runNexus(environment, id, 'later'),
    [`${id}-handler`]: ['WorkflowExecutionStarted.input', 'WorkflowExecutionCompleted.result'],
  }),
};

async function runNexus(
  { client, namespace, taskQueue, createWorker }: Environment,
  id: string,
  operation: 'now' | 'later',
): Promise<string[]> {
  const endpoint = `endpoint-${randomUUID()}`;
  await client.connection.operatorService.createNexusEndpoint({
    spec: { name: endpoint, target: { worker: { namespace, taskQueue } } },
  });
  const handlers = serviceHandler(echoService, {
    now: async (_context, input) => `${input}, answered`,
    later: new WorkflowRunOperationHandler<string, string>(async (context, input) =>
      startWorkflow(context, echo, { workflowId: `${id}-handler`, args: [input] }),
    ),
  });
  const worker = await createWorker({ nexusServices: [handlers] });
  const args: [string, 'now' | 'later', string] = [endpoint, operation, createLargeText('input')];
  await worker.runUntil(client.workflow.execute(callNexus, { workflowId: id, taskQueue, args }));
  return [
    'WorkflowExecutionStarted.input[2]',
    'NexusOperationScheduled.input',
    'NexusOperationCompleted.result',
    'WorkflowExecutionCompleted.result',
  ];
}

describe.each(Object.entries(PATHS))('inspect, of %s,', (_, travel) => {
  it('finds every reference that Temporal holds, and every payload', async () => {
    const environment = createEnvironment();
    const { client, namespace } = environment;
    for (const [run, places] of Object.entries(await travel(environment, randomUUID()))) {
      const result = await inspect(environment, run);
      expect(
        result.references.map(({ event, field, isCopy }) => `${event}.${field}${isCopy ? ' (a copy)' : ''}`),
      ).toEqual(places);

      const { workflowId, runId } = result;
      const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
      const execution = { workflowId, runId };
      const description = await client.workflowService.describeWorkflowExecution({ namespace, execution });
      const keys = [...findReferences(history), ...findReferences(description)].map(([, key]) => key);
      expect(result.references.map(({ key }) => key)).toEqual(keys);
      expect(new Set(result.references.map(({ state }) => state))).toEqual(new Set(['present']));
    }
  });
});

it('inspect saves each payload into a file of its own, named by event, that nobody else may read', async () => {
  const environment = createEnvironment();
  const id = randomUUID();
  await PATHS['signals and updates']!(environment, id);
  const save = await mkdtemp(join(tmpdir(), 'saved-'));
  try {
    const { references } = await inspect(environment, id, save);
    const files = await readdir(save);
    expect(new Set(files)).toEqual(
      new Set(references.map(({ eventId, event, field }) => `${eventId}-${event}-${field}.json`)),
    );
    for (const file of files) expect((await stat(join(save, file))).mode & 0o777).toBe(0o600);
  } finally {
    await rm(save, { recursive: true });
  }
});

/** Inspects a run, `id/runId`, or the latest run with an id. */
async function inspect(
  { client, namespace, redisUrl }: Environment,
  run: string,
  save?: string,
): Promise<InspectResult> {
  const [workflowId = '', runId] = run.split('/');
  return inspectWorkflow({
    redisUrl,
    connection: client.connection as Connection,
    namespace,
    workflowId,
    ...(runId !== undefined && { runId }),
    ...(save !== undefined && { save }),
    verify: true,
  });
}
