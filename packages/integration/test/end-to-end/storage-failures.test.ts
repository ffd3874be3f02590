import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { activityInfo, Context, heartbeat } from '@temporalio/activity';
import { QueryNotRegisteredError, ServiceError, WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, type Duration } from '@temporalio/common';
import { DefaultLogger, type LogEntry } from '@temporalio/worker';
import { createLargeText, THRESHOLD, useServers, waitForValue, type Environment } from './harness';
import { findReferences } from './references';
import { waitForActivityFailure, waitForWorkflowTaskFailure } from './task-failures';
import { ask, close, fail, mailbox, perform, performLocally, performWith } from './workflows';

const log: LogEntry[] = [];
const createEnvironment = useServers(new DefaultLogger('DEBUG', (entry) => log.push(entry)));

afterEach(async () => {
  const { redis } = createEnvironment();
  await acceptWrites(redis);
  await redis.sendCommand(['CLIENT', 'UNPAUSE']);
});

type Redis = Environment['redis'];

async function refuseWrites(redis: Redis): Promise<void> {
  await redis.configSet('maxmemory', '1');
}

async function acceptWrites(redis: Redis): Promise<void> {
  await redis.configSet('maxmemory', '0');
}

async function deleteAll({ redis, storedKeys }: Environment): Promise<void> {
  await redis.del([...(await storedKeys())]);
}

/** Waits until the worker's log has an activity that failed with a message. */
async function waitForLoggedFailure(message: string): Promise<void> {
  await waitForValue(async () => log.some(({ meta }) => (meta?.['error'] as Error)?.message === message) || undefined);
}

describe('an activity whose failure cannot be stored', () => {
  it('runs again although the failure is non-retryable, and its own error is only in the log', async () => {
    const environment = createEnvironment();
    const { client, taskQueue, createWorker, redis } = environment;
    const workflowId = randomUUID();
    const work = jest.fn(async () => {
      if (activityInfo().attempt === 1) await refuseWrites(redis);
      throw ApplicationFailure.nonRetryable('declined', 'Declined', createLargeText('details'));
    });
    const worker = await createWorker({ activities: { work } });
    const handle = await client.workflow.start(perform, { workflowId, taskQueue, args: ['small'] });
    await worker.runUntil(async () => {
      const failure = await waitForActivityFailure(environment, workflowId);
      expect(failure.applicationFailureInfo).toMatchObject({ type: 'RedisStorageDriverError', nonRetryable: false });
      expect(inspect(failure, { depth: Infinity })).not.toContain('declined');
      await waitForLoggedFailure('declined');
      await acceptWrites(redis);
      await expect(handle.result()).rejects.toMatchObject({ cause: { cause: { message: 'declined' } } });
    });
    expect(work.mock.calls.length).toBeGreaterThanOrEqual(2);
  });
});

describe('a local activity', () => {
  it('runs again when its result cannot be stored', async () => {
    const { client, taskQueue, createWorker, redis } = createEnvironment();
    const result = createLargeText('result');
    let runs = 0;
    const work = async () => {
      if (++runs === 1) await refuseWrites(redis);
      if (runs === 3) await acceptWrites(redis);
      return result;
    };
    const worker = await createWorker({ activities: { work } });
    const start = { workflowId: randomUUID(), taskQueue, args: ['small'] as [string] };
    await expect(worker.runUntil(client.workflow.execute(performLocally, start))).resolves.toBe(result);
    expect(runs).toBe(3);
  });

  it('runs again when another payload of its workflow task cannot be stored', async () => {
    const { client, taskQueue, createWorker, redis } = createEnvironment();
    let runs = 0;
    const work = async () => {
      if (++runs === 1) await refuseWrites(redis);
      return 'small';
    };
    const worker = await createWorker({ activities: { work } });
    const options = { workflowId: randomUUID(), taskQueue, workflowTaskTimeout: '2 seconds' } as const;
    const handle = await client.workflow.start(performLocally, { ...options, args: ['small', 2 * THRESHOLD] });
    await worker.runUntil(async () => {
      expect((await waitForWorkflowTaskFailure(handle)).message).toContain('RedisStorageDriver store failed');
      await acceptWrites(redis);
      await expect(handle.result()).resolves.toBe('small'.padEnd(2 * THRESHOLD));
    });
    expect(runs).toBeGreaterThanOrEqual(2);
  });
});

describe('an activity result over maxPayloadSize', () => {
  const LIMIT = 2 * THRESHOLD;
  const work = jest.fn(async () => 'x'.repeat(LIMIT));
  const message = /^Payload size \d+ bytes exceeds the configured maxPayloadSize of 2048 bytes$/;
  beforeEach(() => work.mockClear());

  it('is retried by default', async () => {
    const environment = createEnvironment({ drivers: [{ maxPayloadSize: LIMIT }] });
    const { client, taskQueue, createWorker } = environment;
    const workflowId = randomUUID();
    const worker = await createWorker({ activities: { work } });
    const handle = await client.workflow.start(perform, { workflowId, taskQueue, args: ['small'] });
    await worker.runUntil(async () => {
      await waitForValue(async () => work.mock.calls.length >= 3 || undefined);
      const failure = await waitForActivityFailure(environment, workflowId);
      expect(failure.message).toMatch(message);
      expect(failure.applicationFailureInfo).toMatchObject({ type: 'ValueError', nonRetryable: false });
      await handle.terminate();
    });
  });

  it('fails at once when the retry policy has ValueError among its nonRetryableErrorTypes', async () => {
    const { client, taskQueue, createWorker } = createEnvironment({ drivers: [{ maxPayloadSize: LIMIT }] });
    const worker = await createWorker({ activities: { work } });
    const handle = await client.workflow.start(performWith, {
      workflowId: randomUUID(),
      taskQueue,
      args: [{ retry: { nonRetryableErrorTypes: ['ValueError'] } }, 'small'],
    });
    await expect(worker.runUntil(handle.result())).rejects.toMatchObject({
      cause: {
        retryState: 'NON_RETRYABLE_FAILURE',
        cause: { type: 'ValueError', message: expect.stringMatching(message) as string },
      },
    });
    expect(work).toHaveBeenCalledTimes(1);
  });
});

describe('a heartbeatTimeout', () => {
  /** Runs an activity whose result Redis never takes, and returns why it failed. */
  async function failWhileRedisHangs(requestTimeout: Duration, heartbeatTimeout: Duration): Promise<unknown> {
    const { client, taskQueue, createWorker, redis } = createEnvironment({ drivers: [{ requestTimeout }] });
    const work = async () => {
      heartbeat('small');
      await redis.sendCommand(['CLIENT', 'PAUSE', '100000', 'WRITE']);
      return createLargeText('result');
    };
    const worker = await createWorker({ activities: { work } });
    const args: Parameters<typeof performWith> = [{ heartbeatTimeout, retry: { maximumAttempts: 1 } }, 'small'];
    const execution = client.workflow.execute(performWith, { workflowId: randomUUID(), taskQueue, args });
    const error = await worker.runUntil(execution.catch((reason: WorkflowFailedError) => reason));
    return (error as WorkflowFailedError).cause?.cause;
  }

  it('below requestTimeout hides why a result could not be stored', async () => {
    await expect(failWhileRedisHangs('6 seconds', '2 seconds')).resolves.toMatchObject({
      name: 'TimeoutFailure',
      message: 'activity Heartbeat timeout',
      cause: undefined,
    });
  });

  it('above requestTimeout does not hide it', async () => {
    await expect(failWhileRedisHangs('1 second', '20 seconds')).resolves.toMatchObject({
      type: 'RedisStorageDriverError',
      cause: { message: 'Redis did not answer within 1000 ms (requestTimeout)' },
    });
  });
});

describe('a large heartbeat', () => {
  const args: Parameters<typeof performWith> = [{ heartbeatTimeout: '1 minute' }, 'small'];

  it('is stored even if the SDK does not send it to the server', async () => {
    const { client, namespace, taskQueue, createWorker, storedKeys, traffic } = createEnvironment();
    const workflowId = randomUUID();
    let finish: (() => void) | undefined;
    const work = async () => {
      for (let count = 1; count <= 20; count++) {
        heartbeat(createLargeText(`heartbeat ${count}`));
        await waitForValue(async () => traffic.writes.length === count || undefined);
      }
      await new Promise<void>((resolve) => (finish = resolve));
      return 'done';
    };
    const worker = await createWorker({ activities: { work } });
    const handle = await client.workflow.start(performWith, { workflowId, taskQueue, args });
    await worker.runUntil(async () => {
      const end = await waitForValue(async () => finish);
      const execution = { workflowId };
      // The server has the last heartbeat that it received.
      expect(findReferences(await client.workflowService.describeWorkflowExecution({ namespace, execution }))).toEqual([
        ['pendingActivities.heartbeatDetails', traffic.writes[0]!.key],
      ]);
      expect((await storedKeys()).size).toBe(20);
      end();
      await handle.result();
    });
  });

  it('ends the worker if it cannot be stored', async () => {
    const { client, taskQueue, createWorker, redis } = createEnvironment();
    const work = async () => {
      await refuseWrites(redis);
      heartbeat(createLargeText('heartbeat'));
      await Context.current().cancelled;
    };
    // In debug mode, no thread of the failed worker stays behind.
    const worker = await createWorker({ activities: { work }, debugMode: true });
    const handle = await client.workflow.start(performWith, { workflowId: randomUUID(), taskQueue, args });
    await expect(worker.run()).rejects.toThrow('Workflow execution context should have been disposed first');
    expect(worker.getState()).toBe('FAILED');
    const entry = await waitForValue(async () => log.find(({ message }) => message === 'Worker failed'));
    expect(entry.meta).toMatchObject({ error: { name: 'RedisStorageDriverError' } });
    await handle.terminate();
  });
});

describe('a payload that is gone', () => {
  it('takes the place of the failure of a workflow, whose status and message are still available', async () => {
    const environment = createEnvironment();
    const { client, taskQueue, createWorker } = environment;
    const worker = await createWorker();
    const args: [string] = [createLargeText('details')];
    const handle = await client.workflow.start(fail, { workflowId: randomUUID(), taskQueue, args });
    await expect(worker.runUntil(handle.result())).rejects.toBeInstanceOf(WorkflowFailedError);

    await deleteAll(environment);
    const error: unknown = await handle.result().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ApplicationFailure);
    expect(error).toMatchObject({ type: 'PayloadNotFoundError' });
    await expect(handle.describe()).resolves.toMatchObject({ status: { name: 'FAILED' } });
    const { events } = await handle.fetchHistory();
    expect(events!.at(-1)).toMatchObject({
      workflowExecutionFailedEventAttributes: { failure: { message: 'on purpose' } },
    });
  });

  it('rejects a query of a closed workflow with QueryNotRegisteredError', async () => {
    const environment = createEnvironment();
    const { client, taskQueue, createWorker, keys } = environment;
    const workflowId = randomUUID();
    const letter = createLargeText('letter');
    const worker = await createWorker({ maxCachedWorkflows: 0 });
    const handle = await client.workflow.start(mailbox, { workflowId, taskQueue, args: [letter] });
    await worker.runUntil(async () => {
      await handle.signal(close);
      await handle.result();
      await expect(handle.query(ask, 'small')).resolves.toBe('small, answered');

      await deleteAll(environment);
      const error: unknown = await handle.query(ask, 'small').catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(QueryNotRegisteredError);
      const key = keys.buildWorkflowKey({ type: 'mailbox', id: workflowId }, letter);
      expect(error).toMatchObject({ message: `Payload not found for key '${key}'` });
    });
  });

  it('rejects the result of a standalone activity with a ServiceError without a cause', async () => {
    const environment = createEnvironment();
    const { client, taskQueue, createWorker } = environment;
    const worker = await createWorker({ activities: { work: async () => createLargeText('result') } });
    const options = { id: randomUUID(), taskQueue, args: ['small'], scheduleToCloseTimeout: '1 minute' } as const;
    const handle = await client.activity.start<string>('work', options);
    await worker.runUntil(handle.result());

    await deleteAll(environment);
    const error: unknown = await handle.result().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ServiceError);
    expect(error).toMatchObject({ message: 'Unexpected error while making gRPC request', cause: undefined });
  });
});
