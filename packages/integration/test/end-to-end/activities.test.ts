import { randomUUID } from 'node:crypto';
import { activityInfo, CompleteAsyncError, heartbeat } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { waitForValue, createLargeText, useServers } from './harness';
import { findReferences } from './references';
import { perform, performAndCatch, performLocally } from './workflows';

const setScene = useServers();

describe('An activity of a workflow has its large payloads in Redis, under the run', () => {
  it('when it completes: input and result', async () => {
    const { taskQueue, client, createWorker, keys, storedKeys } = setScene();
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
    const workflowInput = keys.ofWorkflow({ type: 'perform', id }, input);
    const activityInput = keys.ofWorkflow(run, input);
    const resultOfBoth = keys.ofWorkflow(run, result);
    expect(findReferences(await handle.fetchHistory())).toEqual([
      ['workflowExecutionStarted.input', workflowInput],
      ['activityTaskScheduled.input', activityInput],
      ['activityTaskCompleted.result', resultOfBoth],
      ['workflowExecutionCompleted.result', resultOfBoth],
    ]);
    await expect(storedKeys()).resolves.toEqual(new Set([workflowInput, activityInput, resultOfBoth]));
  });

  it('when it is a local one: its result, in the marker; its input, which history does not have', async () => {
    const { taskQueue, client, createWorker, keys, storedKeys } = setScene();
    const id = randomUUID();
    const input = createLargeText('input');

    const worker = await createWorker({ activities: { work: async (value: string) => `${value}, worked on` } });
    const handle = await client.workflow.start(performLocally, { workflowId: id, taskQueue, args: [input] });
    const result = await worker.runUntil(handle.result());
    expect(result).toBe(`${input}, worked on`);

    const run = { type: 'performLocally', id, runId: handle.firstExecutionRunId };
    const workflowInput = keys.ofWorkflow({ type: 'performLocally', id }, input);
    const activityInput = keys.ofWorkflow(run, input);
    const resultOfBoth = keys.ofWorkflow(run, result);
    expect(findReferences(await handle.fetchHistory())).toEqual([
      ['workflowExecutionStarted.input', workflowInput],
      ['markerRecorded.details.result', resultOfBoth],
      ['workflowExecutionCompleted.result', resultOfBoth],
    ]);
    await expect(storedKeys()).resolves.toEqual(new Set([workflowInput, activityInput, resultOfBoth]));
  });

  it('when it heartbeats: the details, which the next attempt reads back', async () => {
    const { namespace, taskQueue, client, createWorker, keys, storedKeys } = setScene();
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
    const heartbeatKey = keys.ofWorkflow({ type: 'perform', id, runId: handle.firstExecutionRunId }, details);
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

  it('when it fails: the details of its error', async () => {
    const { taskQueue, client, createWorker, keys, storedKeys } = setScene();
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
    const detailsKey = keys.ofWorkflow(run, details);
    expect(findReferences(await handle.fetchHistory())).toEqual([
      ['activityTaskFailed.failure.applicationFailureInfo.details', detailsKey],
      ['workflowExecutionCompleted.result', detailsKey],
    ]);
    await expect(storedKeys()).resolves.toEqual(new Set([detailsKey]));
  });

  it('when it is completed asynchronously by its id: its result, without the workflow type', async () => {
    const { taskQueue, client, createWorker, keys, storedKeys } = setScene();
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

    const activityResult = keys.ofWorkflow({ id, runId }, result);
    const workflowResult = keys.ofWorkflow({ type: 'perform', id, runId }, result);
    expect(findReferences(await handle.fetchHistory())).toEqual([
      ['activityTaskCompleted.result', activityResult],
      ['workflowExecutionCompleted.result', workflowResult],
    ]);
    await expect(storedKeys()).resolves.toEqual(new Set([activityResult, workflowResult]));
  });

  it('when it is completed asynchronously by its task token: its result, under the namespace alone', async () => {
    const { taskQueue, client, createWorker, keys, storedKeys } = setScene();
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

    const activityResult = keys.ofWorkflow({}, result);
    const run = { type: 'perform', id, runId: handle.firstExecutionRunId };
    const workflowResult = keys.ofWorkflow(run, result);
    expect(findReferences(await handle.fetchHistory())).toEqual([
      ['activityTaskCompleted.result', activityResult],
      ['workflowExecutionCompleted.result', workflowResult],
    ]);
    await expect(storedKeys()).resolves.toEqual(new Set([activityResult, workflowResult]));
  });
});

describe('A standalone activity has its large payloads in Redis, under itself', () => {
  it('when it completes: its input without a run id, which is not known yet, and its result with it', async () => {
    const { namespace, taskQueue, client, createWorker, keys, storedKeys } = setScene();
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

    const inputKey = keys.ofActivity({ type: 'work', id }, input);
    const resultKey = keys.ofActivity({ type: 'work', id, runId: handle.runId! }, result);
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
