import { randomUUID } from 'node:crypto';
import type { ScheduleHandle } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { createLargeText, THRESHOLD, useServers, waitForValue, type Environment } from './harness';
import { findReferences } from './references';
import { waitForWorkflowTaskFailure } from './task-failures';
import { echo, report } from './workflows';

/** Longer than a run, and shorter than the gap of 4 seconds between two runs. */
const SHORT_TTL = '1 second';

const createEnvironment = useServers();

type Outcome = Parameters<typeof report>[0];

const OUTCOMES: { outcome: Outcome; place: string }[] = [
  { outcome: 'result', place: 'workflowExecutionStarted.lastCompletionResult' },
  { outcome: 'failure', place: 'workflowExecutionStarted.continuedFailure.applicationFailureInfo.details' },
];

/** Starts a cron, and returns its workflow id. */
async function startCron({ client, taskQueue }: Environment, outcome: Outcome): Promise<string> {
  const workflowId = randomUUID();
  const args: Parameters<typeof report> = [outcome, 2 * THRESHOLD];
  await client.workflow.start(report, { workflowId, taskQueue, args, cronSchedule: '@every 4s' });
  return workflowId;
}

async function createSchedule({ client, taskQueue }: Environment): Promise<ScheduleHandle> {
  return client.schedule.create({
    scheduleId: randomUUID(),
    spec: { intervals: [{ every: '4 seconds' }] },
    action: {
      type: 'startWorkflow',
      workflowType: report,
      workflowId: randomUUID(),
      taskQueue,
      args: ['result', 2 * THRESHOLD],
      workflowExecutionTimeout: '1 minute',
    },
  });
}

/** Waits until a schedule's info has what is asked for. */
async function waitForInfo(schedule: ScheduleHandle, isEnough: (info: Info) => boolean): Promise<Info> {
  return waitForValue(async () => {
    const { info } = await schedule.describe();
    return isEnough(info) ? info : undefined;
  });
}

type Info = Awaited<ReturnType<ScheduleHandle['describe']>>['info'];

describe.each(OUTCOMES)('the next run of a cron, which is handed the last $outcome,', ({ outcome, place }) => {
  it('starts when the ttl outlasts the gap between two runs', async () => {
    const environment = createEnvironment({ drivers: [{ ttl: '1 hour' }] });
    const { client, createWorker, storedKeys } = environment;
    const workflowId = await startCron(environment, outcome);
    const worker = await createWorker();
    await worker.runUntil(async () => {
      const runId = await waitForValue(async () => {
        const history = await client.workflow.getHandle(workflowId).fetchHistory();
        const [handed] = findReferences(history);
        if (handed === undefined) return undefined;
        expect(handed[0]).toBe(place);
        expect(await storedKeys()).toContain(handed[1]);
        return history.events![0]!.workflowExecutionStartedEventAttributes!.originalExecutionRunId!;
      });
      const end = await waitForValue(async () => {
        const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
        return events!.find(
          (event) => event.workflowTaskCompletedEventAttributes ?? event.workflowTaskFailedEventAttributes,
        );
      });
      expect(end.workflowTaskCompletedEventAttributes).toBeTruthy();
    });
  });

  it('fails its first task when the ttl ends in the gap between two runs', async () => {
    const environment = createEnvironment({ drivers: [{ ttl: SHORT_TTL }] });
    const { client, createWorker } = environment;
    const handle = client.workflow.getHandle(await startCron(environment, outcome));
    const worker = await createWorker();
    await worker.runUntil(async () => {
      const failure = await waitForWorkflowTaskFailure(handle);
      const [handed] = findReferences(await handle.fetchHistory());
      expect(handed?.[0]).toBe(place);
      expect(failure).toMatchObject({
        message: `Payload not found for key '${handed?.[1]}'`,
        applicationFailureInfo: { type: 'PayloadNotFoundError' },
      });
    });
  });
});

describe('a schedule whose workflows have large results', () => {
  it('starts one workflow after the other when the ttl outlasts the gap between two runs', async () => {
    const environment = createEnvironment({ drivers: [{ ttl: '1 hour' }] });
    const schedule = await createSchedule(environment);
    const worker = await environment.createWorker();
    const info = await worker.runUntil(waitForInfo(schedule, ({ numActionsTaken }) => numActionsTaken >= 3));
    expect(info.numActionsSkippedOverlap).toBe(0);
    await schedule.delete();
  });

  it('skips all later actions when the ttl ends in the gap between two runs', async () => {
    const environment = createEnvironment({ drivers: [{ ttl: SHORT_TTL }] });
    const { client, createWorker } = environment;
    const schedule = await createSchedule(environment);
    const worker = await createWorker();
    await worker.runUntil(async () => {
      const { numActionsTaken } = await waitForInfo(schedule, (info) => info.numActionsSkippedOverlap >= 1);
      const later = await waitForInfo(schedule, (info) => info.numActionsSkippedOverlap >= 3);
      expect(later.numActionsTaken).toBe(numActionsTaken);
      expect(numActionsTaken).toBeGreaterThanOrEqual(2);
      const { workflow } = later.recentActions.at(-1)!.action;
      const handle = client.workflow.getHandle(workflow.workflowId);
      const failure = await waitForWorkflowTaskFailure(handle);
      const [handed] = findReferences(await handle.fetchHistory());
      expect(handed?.[0]).toBe('workflowExecutionStarted.lastCompletionResult');
      expect(failure.message).toBe(`Payload not found for key '${handed?.[1]}'`);
    });
    await schedule.delete();
  });
});

describe('a run after a reset', () => {
  it('needs the payloads of the old history, and continues when they are back', async () => {
    const { namespace, taskQueue, client, createWorker, keys, redis } = createEnvironment();
    const workflowId = randomUUID();
    const input = createLargeText('input');
    const worker = await createWorker();
    await worker.runUntil(async () => {
      await client.workflow.execute(echo, { workflowId, taskQueue, args: [input] });
      const key = keys.buildWorkflowKey({ type: 'echo', id: workflowId }, input);
      const bytes = await redis.withTypeMapping({ 36: Buffer }).getDel(key);
      await client.workflowService.resetWorkflowExecution(
        temporal.api.workflowservice.v1.ResetWorkflowExecutionRequest.fromObject({
          namespace,
          workflowExecution: { workflowId },
          requestId: randomUUID(),
          // The end of the only workflow task.
          workflowTaskFinishEventId: 4,
        }),
      );
      const handle = client.workflow.getHandle<typeof echo>(workflowId);
      const failure = await waitForWorkflowTaskFailure(handle);
      expect(failure.message).toBe(`Payload not found for key '${key}'`);
      await redis.set(key, bytes!);
      await expect(handle.result()).resolves.toBe(`${input}, echoed`);
    });
  });
});
