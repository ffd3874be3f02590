import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { activityInfo } from '@temporalio/activity';
import { DefaultLogger } from '@temporalio/worker';
import { waitForValue, createLargeText, useServers, type Environment } from './harness';
import { serialize } from './keys';
import { waitForActivityFailure, waitForWorkflowTaskFailure } from './task-failures';
import { echo, perform, performOnLarge } from './workflows';

/** A text in every payload of this file, which must not appear in logs or errors. */
const SECRET = 'top secret';

const log: unknown[] = [];
const createEnvironment = useServers(new DefaultLogger('DEBUG', (entry) => log.push(entry)));

afterEach(async () => {
  const { redis } = createEnvironment();
  await redis.configSet('maxmemory', '0');
  await redis.sendCommand(['CLIENT', 'UNPAUSE']);
});

/** Formats a value completely, without truncation. */
function inspectAll(value: unknown): string {
  return inspect(value, { depth: Infinity, maxArrayLength: Infinity, maxStringLength: Infinity });
}

/** Starts a workflow and waits until it has scheduled its activity and stored the input. */
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
  const key = keys.buildWorkflowKey({ type: 'performOnLarge', id, runId: handle.firstExecutionRunId }, input);
  return { handle, input, key };
}

/** Checks that the worker runs other workflows, and that its log contains no payload. */
async function expectHealthyWorker({ client, taskQueue }: Environment): Promise<void> {
  const input = createLargeText(SECRET);
  const result = await client.workflow.execute(echo, { workflowId: randomUUID(), taskQueue, args: [input] });
  expect(result).toBe(`${input}, echoed`);
  expect(inspectAll(log)).not.toContain(SECRET);
}

describe('a worker', () => {
  it('retries an activity whose result Redis rejects, until Redis accepts it', async () => {
    const environment = createEnvironment();
    const { taskQueue, client, createWorker, keys, redis } = environment;
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
      await waitForActivityFailure(environment, id);
      await redis.configSet('maxmemory', '0');
      await expect(handle.result()).resolves.toBe(result);
      await expectHealthyWorker(environment);
    });

    const { events } = await handle.fetchHistory();
    const started = events!.find((event) => event.activityTaskStartedEventAttributes)!;
    const { attempt, lastFailure } = started.activityTaskStartedEventAttributes!;
    expect(attempt).toBeGreaterThan(1);
    const key = keys.buildWorkflowKey({ type: 'perform', id, runId: handle.firstExecutionRunId }, result);
    expect(lastFailure?.message).toContain(`RedisStorageDriver store failed [key=${key}, host=127.0.0.1`);
    expect(lastFailure?.cause?.message).toContain('OOM command not allowed');
    expect(lastFailure?.applicationFailureInfo?.type).toBe('RedisStorageDriverError');
    expect(inspectAll(events)).not.toContain(SECRET);
    expect(inspectAll(log)).toContain(key);
  });

  it('fails an activity without retries when its input has expired', async () => {
    const environment = createEnvironment();
    const { createWorker, redis } = environment;
    const { handle, key } = await scheduleActivity(environment);
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
      await expectHealthyWorker(environment);
    });

    const { events } = await handle.fetchHistory();
    const started = events!.find((event) => event.activityTaskStartedEventAttributes)!;
    expect(started.activityTaskStartedEventAttributes!.attempt).toBe(1);
  });

  it('fails a workflow task whose input has expired, until the input is restored', async () => {
    const environment = createEnvironment();
    const { taskQueue, client, createWorker, keys, redis } = environment;
    const id = randomUUID();
    const input = createLargeText(SECRET);
    const options = { workflowId: id, taskQueue, workflowTaskTimeout: '2 seconds' } as const;
    const handle = await client.workflow.start(echo, { ...options, args: [input] });
    const key = keys.buildWorkflowKey({ type: 'echo', id }, input);
    const bytes = await redis.withTypeMapping({ 36: Buffer }).getDel(key);

    const worker = await createWorker();
    await worker.runUntil(async () => {
      const failure = await waitForWorkflowTaskFailure(handle);
      expect(failure).toMatchObject({
        message: `Payload not found for key '${key}'`,
        applicationFailureInfo: { type: 'PayloadNotFoundError', nonRetryable: true },
      });
      await expect(handle.describe()).resolves.toMatchObject({ status: { name: 'RUNNING' } });
      await redis.set(key, bytes!);
      await expect(handle.result()).resolves.toBe(`${input}, echoed`);
      await expectHealthyWorker(environment);
    });
  });

  it('retries an activity whose input was changed in Redis, until the input is restored', async () => {
    const environment = createEnvironment();
    const { createWorker, redis } = environment;
    const { handle, input, key } = await scheduleActivity(environment);
    await redis.setRange(key, 1000, '?');

    const work = jest.fn(async (value: string) => value);
    const worker = await createWorker({ activities: { work } });
    await worker.runUntil(async () => {
      const { message } = await waitForActivityFailure(environment, handle.workflowId);
      expect(message).toContain(`RedisStorageDriver integrity check failed [key=${key}]`);
      expect(work).not.toHaveBeenCalled();
      const original = serialize(input);
      await redis.setRange(key, 1000, original.subarray(1000, 1001));
      await expect(handle.result()).resolves.toBe(input);
      await expectHealthyWorker(environment);
    });
  });

  it('reports a store that hangs in history, by failing the workflow task before its timeout', async () => {
    const environment = createEnvironment();
    const { taskQueue, client, createWorker, keys, redis } = environment;
    const id = randomUUID();
    const input = SECRET.repeat(1000);
    const handle = await client.workflow.start(performOnLarge, { workflowId: id, taskQueue, args: [SECRET, 1000] });

    const worker = await createWorker({ activities: { work: async (value: string) => value } });
    await redis.sendCommand(['CLIENT', 'PAUSE', '100000', 'WRITE']);
    await worker.runUntil(async () => {
      const failure = await waitForWorkflowTaskFailure(handle);
      const key = keys.buildWorkflowKey({ type: 'performOnLarge', id, runId: handle.firstExecutionRunId }, input);
      expect(failure.message).toContain(`RedisStorageDriver store failed [key=${key}`);
      expect(failure.cause?.message).toBe('Redis did not answer within 8000 ms (requestTimeout)');
      await redis.sendCommand(['CLIENT', 'UNPAUSE']);
      await expect(handle.result()).resolves.toBe(input);
      await expectHealthyWorker(environment);
    });
  });

  it('reports a retrieve that hangs in history, by failing the workflow task before its timeout', async () => {
    const environment = createEnvironment({ drivers: [{ requestTimeout: '300 ms' }] });
    const { taskQueue, client, createWorker, keys, redis } = environment;
    const id = randomUUID();
    const input = createLargeText(SECRET);
    const options = { workflowId: id, taskQueue, workflowTaskTimeout: '2 seconds' } as const;
    const handle = await client.workflow.start(echo, { ...options, args: [input] });

    const worker = await createWorker();
    await redis.sendCommand(['CLIENT', 'PAUSE', '4000', 'ALL']);
    await worker.runUntil(async () => {
      const failure = await waitForWorkflowTaskFailure(handle);
      const key = keys.buildWorkflowKey({ type: 'echo', id }, input);
      expect(failure.message).toContain(`RedisStorageDriver retrieve failed [key=${key}`);
      expect(failure.cause?.message).toBe('Redis did not answer within 300 ms (requestTimeout)');
      await expect(handle.result()).resolves.toBe(`${input}, echoed`);
      await expectHealthyWorker(environment);
    });
  });
});

describe('a client', () => {
  it('rejects with PayloadNotFoundError when the result has expired', async () => {
    const { taskQueue, client, createWorker, keys, redis } = createEnvironment();
    const id = randomUUID();
    const input = createLargeText(SECRET);
    const worker = await createWorker();
    const handle = await client.workflow.start(echo, { workflowId: id, taskQueue, args: [input] });
    await expect(worker.runUntil(handle.result())).resolves.toBe(`${input}, echoed`);

    const key = keys.buildWorkflowKey({ type: 'echo', id, runId: handle.firstExecutionRunId }, `${input}, echoed`);
    await redis.del(key);
    await expect(handle.result()).rejects.toMatchObject({
      type: 'PayloadNotFoundError',
      message: `Payload not found for key '${key}'`,
    });
  });
});
