import { randomUUID } from 'node:crypto';
import { activityInfo, CompleteAsyncError, heartbeat } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { waitForValue, createLargeText, useServers } from './harness';
import { findReferences } from './references';
import { perform, performAndCatch, performLocally } from './workflows';

const createEnvironment = useServers();

describe('a workflow activity', () => {
  it('stores input and result under the run when it completes', async () => {
    const { taskQueue, client, createWorker, keys, storedKeys } = createEnvironment();
    const id = randomUUID();
    const input = createLargeText('input');
    const seen: string[] = [];

    const worker = await createWorker({
      activities: {
        work: async (value: string) => {
          seen.push(value);
          return `${value}, worked on`;
        },
      },
    });
    const handle = await client.workflow.start(perform, { workflowId: id, taskQueue, args: [input] });
    const result = await worker.runUntil(handle.result());
    expect(seen).toEqual([input]);
    expect(result).toBe(`${input}, worked on`);

    const run = { type: 'perform', id, runId: handle.firstExecutionRunId };
    const workflowInput = keys.buildWorkflowKey({ type: 'perform', id }, input);
    const activityInput = keys.buildWorkflowKey(run, input);
    const resultOfBoth = keys.buildWorkflowKey(run, result);
    expect(findReferences(await handle.fetchHistory())).toEqual([
      ['workflowExecutionStarted.input', workflowInput],
      ['activityTaskScheduled.input', activityInput],
      ['activityTaskCompleted.result', resultOfBoth],
      ['workflowExecutionCompleted.result', resultOfBoth],
    ]);
    await expect(storedKeys()).resolves.toEqual(new Set([workflowInput, activityInput, resultOfBoth]));
  });

  it('stores input and result under the run when it is local, although history only has the result', async () => {
    const { taskQueue, client, createWorker, keys, storedKeys } = createEnvironment();
    const id = randomUUID();
    const input = createLargeText('input');

    const worker = await createWorker({ activities: { work: async (value: string) => `${value}, worked on` } });
    const handle = await client.workflow.start(performLocally, { workflowId: id, taskQueue, args: [input] });
    const result = await worker.runUntil(handle.result());
    expect(result).toBe(`${input}, worked on`);

    const run = { type: 'performLocally', id, runId: handle.firstExecutionRunId };
    const workflowInput = keys.buildWorkflowKey({ type: 'performLocally', id }, input);
    const activityInput = keys.buildWorkflowKey(run, input);
    const resultOfBoth = keys.buildWorkflowKey(run, result);
    expect(findReferences(await handle.fetchHistory())).toEqual([
      ['workflowExecutionStarted.input', workflowInput],
      ['markerRecorded.details.result', resultOfBoth],
      ['workflowExecutionCompleted.result', resultOfBoth],
    ]);
    await expect(storedKeys()).resolves.toEqual(new Set([workflowInput, activityInput, resultOfBoth]));
  });

  it('stores heartbeat details under the run, and the next attempt reads them', async () => {
    const { namespace, taskQueue, client, createWorker, keys, storedKeys } = createEnvironment();
    const id = randomUUID();
    const details = createLargeText('details');
    let finish: (() => void) | undefined;

    const worker = await createWorker({
      activities: {
        work: async () => {
          const info = activityInfo();
          if (info.attempt === 1) {
            heartbeat(details);
            throw new Error('interrupted');
          }
          await new Promise<void>((resolve) => (finish = resolve));
          return info.heartbeatDetails as string;
        },
      },
    });
    const handle = await client.workflow.start(perform, { workflowId: id, taskQueue, args: ['small'] });
    const heartbeatKey = keys.buildWorkflowKey({ type: 'perform', id, runId: handle.firstExecutionRunId }, details);
    await worker.runUntil(async () => {
      const finishSecondAttempt = await waitForValue(async () => finish);
      const execution = { workflowId: id };
      expect(findReferences(await client.workflowService.describeWorkflowExecution({ namespace, execution }))).toEqual([
        ['pendingActivities.heartbeatDetails', heartbeatKey],
      ]);
      await expect(storedKeys()).resolves.toEqual(new Set([heartbeatKey]));
      finishSecondAttempt();
      await expect(handle.result()).resolves.toBe(details);
    });
  });

  it('stores the details of its error under the run when it fails', async () => {
    const { taskQueue, client, createWorker, keys, storedKeys } = createEnvironment();
    const id = randomUUID();
    const details = createLargeText('details');

    const worker = await createWorker({
      activities: {
        work: async () => {
          throw ApplicationFailure.nonRetryable('on purpose', 'OnPurpose', details);
        },
      },
    });
    const handle = await client.workflow.start(performAndCatch, { workflowId: id, taskQueue, args: ['small'] });
    await expect(worker.runUntil(handle.result())).resolves.toBe(details);

    const run = { type: 'performAndCatch', id, runId: handle.firstExecutionRunId };
    const detailsKey = keys.buildWorkflowKey(run, details);
    expect(findReferences(await handle.fetchHistory())).toEqual([
      ['activityTaskFailed.failure.applicationFailureInfo.details', detailsKey],
      ['workflowExecutionCompleted.result', detailsKey],
    ]);
    await expect(storedKeys()).resolves.toEqual(new Set([detailsKey]));
  });

  it('stores its result without the workflow type when it is completed asynchronously by id', async () => {
    const { taskQueue, client, createWorker, keys, storedKeys } = createEnvironment();
    const id = randomUUID();
    const result = createLargeText('result');
    let activityId: string | undefined;

    const worker = await createWorker({
      activities: {
        work: async () => {
          ({ activityId } = activityInfo());
          throw new CompleteAsyncError();
        },
      },
    });
    const handle = await client.workflow.start(perform, { workflowId: id, taskQueue, args: ['small'] });
    const runId = handle.firstExecutionRunId;
    await worker.runUntil(async () => {
      const activity = { workflowId: id, runId, activityId: await waitForValue(async () => activityId) };
      await client.activity.complete(activity, result);
      await expect(handle.result()).resolves.toBe(result);
    });

    const activityResult = keys.buildWorkflowKey({ id, runId }, result);
    const workflowResult = keys.buildWorkflowKey({ type: 'perform', id, runId }, result);
    expect(findReferences(await handle.fetchHistory())).toEqual([
      ['activityTaskCompleted.result', activityResult],
      ['workflowExecutionCompleted.result', workflowResult],
    ]);
    await expect(storedKeys()).resolves.toEqual(new Set([activityResult, workflowResult]));
  });

  it('stores its result under the namespace alone when it is completed asynchronously by task token', async () => {
    const { taskQueue, client, createWorker, keys, storedKeys } = createEnvironment();
    const id = randomUUID();
    const result = createLargeText('result');
    let taskToken: Uint8Array | undefined;

    const worker = await createWorker({
      activities: {
        work: async () => {
          ({ taskToken } = activityInfo());
          throw new CompleteAsyncError();
        },
      },
    });
    const handle = await client.workflow.start(perform, { workflowId: id, taskQueue, args: ['small'] });
    await worker.runUntil(async () => {
      await client.activity.complete(await waitForValue(async () => taskToken), result);
      await expect(handle.result()).resolves.toBe(result);
    });

    const activityResult = keys.buildWorkflowKey({}, result);
    const run = { type: 'perform', id, runId: handle.firstExecutionRunId };
    const workflowResult = keys.buildWorkflowKey(run, result);
    expect(findReferences(await handle.fetchHistory())).toEqual([
      ['activityTaskCompleted.result', activityResult],
      ['workflowExecutionCompleted.result', workflowResult],
    ]);
    await expect(storedKeys()).resolves.toEqual(new Set([activityResult, workflowResult]));
  });
});

describe('a standalone activity', () => {
  it('stores its input without a run id, which is not known yet, and its result with the run id', async () => {
    const { namespace, taskQueue, client, createWorker, keys, storedKeys } = createEnvironment();
    const id = randomUUID();
    const input = createLargeText('input');

    const worker = await createWorker({ activities: { work: async (value: string) => `${value}, worked on` } });
    const handle = await client.activity.start<string>('work', {
      id,
      taskQueue,
      args: [input],
      scheduleToCloseTimeout: '1 minute',
    });
    const result = await worker.runUntil(handle.result());
    expect(result).toBe(`${input}, worked on`);

    const inputKey = keys.buildActivityKey({ type: 'work', id }, input);
    const resultKey = keys.buildActivityKey({ type: 'work', id, runId: handle.runId! }, result);
    const description = await client.workflowService.describeActivityExecution({
      namespace,
      activityId: id,
      includeInput: true,
      includeOutcome: true,
    });
    expect(findReferences(description)).toEqual([
      ['input', inputKey],
      ['outcome.result', resultKey],
    ]);
    await expect(storedKeys()).resolves.toEqual(new Set([inputKey, resultKey]));
  });
});
