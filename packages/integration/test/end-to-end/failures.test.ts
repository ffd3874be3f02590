import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { activityInfo } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import type { temporal } from '@temporalio/proto';
import { DefaultLogger } from '@temporalio/worker';
import { waitForValue, createLargeText, useServers, type Environment } from './harness';
import { serialize } from './keys';
import { echo, perform, performOnLarge } from './workflows';

/** In every payload of this file, and nowhere else. */
const SECRET = 'top secret';

const log: unknown[] = [];
const setScene = useServers(new DefaultLogger('DEBUG', (entry) => log.push(entry)));

afterEach(async () => {
  const { redis } = setScene();
  await redis.configSet('maxmemory', '0');
  await redis.sendCommand(['CLIENT', 'UNPAUSE']);
});

/** Everything that a value says, as text. */
function inspectAll(value: unknown): string {
  return inspect(value, { depth: Infinity, maxArrayLength: Infinity, maxStringLength: Infinity });
}

type Failure = temporal.api.failure.v1.IFailure;

/** Why the last attempt of a workflow's one activity failed, once one did. */
async function activityFailure({ client, namespace }: Environment, workflowId: string): Promise<Failure> {
  const request = { namespace, execution: { workflowId } };
  return waitForValue(async () => {
    const { pendingActivities } = await client.workflowService.describeWorkflowExecution(request);
    return pendingActivities[0]?.lastFailure ?? undefined;
  });
}

/** Why the first workflow task of a workflow that failed did, once one did. */
async function workflowTaskFailure(handle: WorkflowHandle): Promise<Failure> {
  return waitForValue(async () => {
    const { events } = await handle.fetchHistory();
    const failed = events?.find(({ workflowTaskFailedEventAttributes }) => workflowTaskFailedEventAttributes);
    return failed?.workflowTaskFailedEventAttributes?.failure ?? undefined;
  });
}

/** Starts a workflow and lets it schedule its activity, whose input is in Redis then. */
async function scheduleActivity({ client, taskQueue, keys, createWorker }: Environment) {
  const id = randomUUID();
  const input = SECRET.repeat(1000);
  const handle = await client.workflow.start(performOnLarge, { workflowId: id, taskQueue, args: [SECRET, 1000] });
  const worker = await createWorker();
  await worker.runUntil(
    waitForValue(async () =>
      (await handle.fetchHistory()).events?.find((event) => event.activityTaskScheduledEventAttributes),
    ),
  );
  const key = keys.ofWorkflow({ type: 'performOnLarge', id, runId: handle.firstExecutionRunId }, input);
  return { handle, input, key };
}

/** The worker goes on with other workflows, and has told nothing of any payload. */
async function expectHealth({ client, taskQueue }: Environment): Promise<void> {
  const input = createLargeText(SECRET);
  const result = await client.workflow.execute(echo, { workflowId: randomUUID(), taskQueue, args: [input] });
  expect(result).toBe(`${input}, echoed`);
  expect(inspectAll(log)).not.toContain(SECRET);
}

describe('A worker survives', () => {
  it("a Redis that refuses an activity's result: the activity is retried until Redis takes it", async () => {
    const scene = setScene();
    const { taskQueue, client, createWorker, keys, redis } = scene;
    const id = randomUUID();
    const result = createLargeText(SECRET);

    const worker = await createWorker({
      activities: {
        work: async () => {
          if (activityInfo().attempt === 1) await redis.configSet('maxmemory', '1');
          return result;
        },
      },
    });
    const handle = await client.workflow.start(perform, { workflowId: id, taskQueue, args: ['small'] });
    await worker.runUntil(async () => {
      await activityFailure(scene, id);
      await redis.configSet('maxmemory', '0');
      await expect(handle.result()).resolves.toBe(result);
      await expectHealth(scene);
    });

    const { events } = await handle.fetchHistory();
    const started = events!.find((event) => event.activityTaskStartedEventAttributes)!;
    const { attempt, lastFailure } = started.activityTaskStartedEventAttributes!;
    expect(attempt).toBeGreaterThan(1);
    const key = keys.ofWorkflow({ type: 'perform', id, runId: handle.firstExecutionRunId }, result);
    expect(lastFailure?.message).toContain(`RedisStorageDriver store failed [key=${key}, host=127.0.0.1`);
    expect(lastFailure?.cause?.message).toContain('OOM command not allowed');
    expect(lastFailure?.applicationFailureInfo?.type).toBe('RedisStorageDriverError');
    expect(inspectAll(events)).not.toContain(SECRET);
    expect(inspectAll(log)).toContain(key);
  });

  it('a payload that expired before its activity reads it: the activity fails at once', async () => {
    const scene = setScene();
    const { createWorker, redis } = scene;
    const { handle, key } = await scheduleActivity(scene);
    await redis.pExpire(key, 1);
    await waitForValue(async () => (await redis.exists(key)) === 0 || undefined);

    const work = jest.fn();
    const worker = await createWorker({ activities: { work } });
    await worker.runUntil(async () => {
      await expect(handle.result()).rejects.toMatchObject({
        cause: {
          retryState: 'NON_RETRYABLE_FAILURE',
          cause: { type: 'PayloadNotFoundError', message: `Payload not found for key '${key}'`, nonRetryable: true },
        },
      });
      expect(work).not.toHaveBeenCalled();
      await expectHealth(scene);
    });

    const { events } = await handle.fetchHistory();
    const started = events!.find((event) => event.activityTaskStartedEventAttributes)!;
    expect(started.activityTaskStartedEventAttributes!.attempt).toBe(1);
  });

  it('a payload that expired before a workflow task reads it: the task fails until the payload is back', async () => {
    const scene = setScene();
    const { taskQueue, client, createWorker, keys, redis } = scene;
    const id = randomUUID();
    const input = createLargeText(SECRET);
    const options = { workflowId: id, taskQueue, workflowTaskTimeout: '2 seconds' } as const;
    const handle = await client.workflow.start(echo, { ...options, args: [input] });
    const key = keys.ofWorkflow({ type: 'echo', id }, input);
    const bytes = await redis.withTypeMapping({ 36: Buffer }).getDel(key);

    const worker = await createWorker();
    await worker.runUntil(async () => {
      const failure = await workflowTaskFailure(handle);
      expect(failure).toMatchObject({
        message: `Payload not found for key '${key}'`,
        applicationFailureInfo: { type: 'PayloadNotFoundError', nonRetryable: true },
      });
      await expect(handle.describe()).resolves.toMatchObject({ status: { name: 'RUNNING' } });
      await redis.set(key, bytes!);
      await expect(handle.result()).resolves.toBe(`${input}, echoed`);
      await expectHealth(scene);
    });
  });

  it('a payload that was changed in Redis: its activity is retried until the payload is whole', async () => {
    const scene = setScene();
    const { createWorker, redis } = scene;
    const { handle, input, key } = await scheduleActivity(scene);
    await redis.setRange(key, 1000, '?');

    const work = jest.fn(async (value: string) => value);
    const worker = await createWorker({ activities: { work } });
    await worker.runUntil(async () => {
      const { message } = await activityFailure(scene, handle.workflowId);
      expect(message).toContain(`RedisStorageDriver integrity check failed [key=${key}]`);
      expect(work).not.toHaveBeenCalled();
      const original = serialize(input);
      await redis.setRange(key, 1000, original.subarray(1000, 1001));
      await expect(handle.result()).resolves.toBe(input);
      await expectHealth(scene);
    });
  });

  it('a Redis that hangs as a workflow task stores a payload: history tells, for it fails before it times out', async () => {
    const scene = setScene();
    const { taskQueue, client, createWorker, keys, redis } = scene;
    const id = randomUUID();
    const input = SECRET.repeat(1000);
    const handle = await client.workflow.start(performOnLarge, { workflowId: id, taskQueue, args: [SECRET, 1000] });

    const worker = await createWorker({ activities: { work: async (value: string) => value } });
    await redis.sendCommand(['CLIENT', 'PAUSE', '100000', 'WRITE']);
    await worker.runUntil(async () => {
      const failure = await workflowTaskFailure(handle);
      const key = keys.ofWorkflow({ type: 'performOnLarge', id, runId: handle.firstExecutionRunId }, input);
      expect(failure.message).toContain(`RedisStorageDriver store failed [key=${key}`);
      expect(failure.cause?.message).toBe('Redis did not answer within 8000 ms (requestTimeout)');
      await redis.sendCommand(['CLIENT', 'UNPAUSE']);
      await expect(handle.result()).resolves.toBe(input);
      await expectHealth(scene);
    });
  });

  it('a Redis that hangs as a workflow task reads a payload: history tells, for it fails before it times out', async () => {
    const scene = setScene({ drivers: [{ requestTimeout: '300 ms' }] });
    const { taskQueue, client, createWorker, keys, redis } = scene;
    const id = randomUUID();
    const input = createLargeText(SECRET);
    const options = { workflowId: id, taskQueue, workflowTaskTimeout: '2 seconds' } as const;
    const handle = await client.workflow.start(echo, { ...options, args: [input] });

    const worker = await createWorker();
    await redis.sendCommand(['CLIENT', 'PAUSE', '4000', 'ALL']);
    await worker.runUntil(async () => {
      const failure = await workflowTaskFailure(handle);
      const key = keys.ofWorkflow({ type: 'echo', id }, input);
      expect(failure.message).toContain(`RedisStorageDriver retrieve failed [key=${key}`);
      expect(failure.cause?.message).toBe('Redis did not answer within 300 ms (requestTimeout)');
      await expect(handle.result()).resolves.toBe(`${input}, echoed`);
      await expectHealth(scene);
    });
  });
});

describe('A client', () => {
  it('is told that the result it asks for has expired', async () => {
    const { taskQueue, client, createWorker, keys, redis } = setScene();
    const id = randomUUID();
    const input = createLargeText(SECRET);
    const worker = await createWorker();
    const handle = await client.workflow.start(echo, { workflowId: id, taskQueue, args: [input] });
    await expect(worker.runUntil(handle.result())).resolves.toBe(`${input}, echoed`);

    const key = keys.ofWorkflow({ type: 'echo', id, runId: handle.firstExecutionRunId }, `${input}, echoed`);
    await redis.del(key);
    await expect(handle.result()).rejects.toMatchObject({
      type: 'PayloadNotFoundError',
      message: `Payload not found for key '${key}'`,
    });
  });
});
