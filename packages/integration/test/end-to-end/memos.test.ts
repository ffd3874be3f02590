import { randomUUID } from 'node:crypto';
import { Client, type ScheduleHandle } from '@temporalio/client';
import { readDocument } from '../documents/documents';
import { createLargeText, useServers, waitForValue, type Environment } from './harness';
import { findReferences } from './references';
import { waitForWorkflowTaskFailure } from './task-failures';
import { echo } from './workflows';

const createEnvironment = useServers();

/** Creates a client without external storage. */
function createPlainClient({ client, namespace }: Environment): Client {
  return new Client({ connection: client.connection, namespace });
}

interface Memos {
  ofSchedule?: string;
  ofAction?: string;
}

/** Creates a schedule that starts a workflow each second. */
async function createSchedule(client: Client, taskQueue: string, memos: Memos): Promise<ScheduleHandle> {
  const scheduleId = randomUUID();
  return client.schedule.create({
    scheduleId,
    spec: { intervals: [{ every: '1 second' }] },
    ...(memos.ofSchedule && { memo: { note: memos.ofSchedule } }),
    action: {
      type: 'startWorkflow',
      workflowType: echo,
      workflowId: scheduleId,
      taskQueue,
      args: ['small'],
      workflowExecutionTimeout: '1 minute',
      ...(memos.ofAction && { memo: { note: memos.ofAction } }),
    },
  });
}

/** Counts the workflows that a schedule has started. */
async function countStarted(client: Client, { scheduleId }: ScheduleHandle): Promise<number> {
  return (await client.workflow.count(`TemporalScheduledById = '${scheduleId}'`)).count;
}

async function waitForStarted(client: Client, schedule: ScheduleHandle, count: number): Promise<void> {
  await waitForValue(async () => (await countStarted(client, schedule)) >= count || undefined);
}

async function iterate(list: AsyncIterable<unknown>): Promise<unknown[]> {
  const items: unknown[] = [];
  for await (const item of list) items.push(item);
  return items;
}

describe('a schedule', () => {
  it('never starts a workflow if its own memo was offloaded, and can only be deleted', async () => {
    const environment = createEnvironment();
    const { client, taskQueue, createWorker } = environment;
    const schedule = await createSchedule(client, taskQueue, { ofSchedule: createLargeText('note') });
    const other = await createSchedule(client, taskQueue, {});
    const worker = await createWorker();
    await worker.runUntil(waitForStarted(client, other, 3));

    const scheduler = createPlainClient(environment).workflow.getHandle(
      `temporal-sys-scheduler:${schedule.scheduleId}`,
    );
    const { message } = await waitForWorkflowTaskFailure(scheduler);
    expect(message).toBe('externally stored payload encountered but no storage driver is configured');
    expect(readDocument('docs/errors.md')).toContain(`\`${message}\``);
    await expect(countStarted(client, schedule)).resolves.toBe(0);
    await client.connection.withDeadline(Date.now() + 2000, async () => {
      await expect(schedule.describe()).rejects.toThrow('Failed to describe schedule');
      await expect(schedule.update((old) => old)).rejects.toThrow('Failed to describe schedule');
    });
    await schedule.delete();
    await other.delete();
  });

  it('starts workflows if a client without external storage created it, and every client reads its memo', async () => {
    const environment = createEnvironment();
    const { client, taskQueue, createWorker, storedKeys } = environment;
    const note = createLargeText('note');
    const schedule = await createSchedule(createPlainClient(environment), taskQueue, { ofSchedule: note });
    const worker = await createWorker();
    await worker.runUntil(waitForStarted(client, schedule, 2));
    await expect(client.schedule.getHandle(schedule.scheduleId).describe()).resolves.toMatchObject({ memo: { note } });
    await expect(storedKeys()).resolves.toEqual(new Set());
    await schedule.delete();
  });

  it('starts workflows if the memo of its action was offloaded', async () => {
    const { client, taskQueue, createWorker, storedKeys } = createEnvironment();
    const note = createLargeText('note');
    const schedule = await createSchedule(client, taskQueue, { ofAction: note });
    const worker = await createWorker();
    const { workflowId } = await worker.runUntil(
      waitForValue(async () => (await schedule.describe()).info.recentActions[0]?.action.workflow),
    );
    const handle = client.workflow.getHandle(workflowId);
    await expect(handle.describe()).resolves.toMatchObject({ memo: { note } });
    const [reference] = findReferences(await handle.fetchHistory());
    expect(reference?.[0]).toBe('workflowExecutionStarted.memo.fields.note');
    await expect(storedKeys()).resolves.toEqual(new Set([reference?.[1]]));
    await schedule.delete();
  });
});

describe('one memo that cannot be read', () => {
  const MISSING = expect.objectContaining({ type: 'PayloadNotFoundError' }) as unknown;
  const UNCONFIGURED = expect.objectContaining({
    message: expect.stringContaining('[TMPRL1105]') as string,
  }) as unknown;

  it('ends list and describe of workflows, but not of workflowService', async () => {
    const environment = createEnvironment();
    const { namespace, client, taskQueue, createWorker, redis, storedKeys } = environment;
    const workflowId = randomUUID();
    const options = { workflowId, taskQueue, args: ['small'] as [string], memo: { note: createLargeText('note') } };
    const worker = await createWorker();
    await worker.runUntil(client.workflow.execute(echo, options));
    const query = `TaskQueue = '${taskQueue}'`;
    await waitForValue(async () => (await iterate(client.workflow.list({ query })))[0]);

    const plain = createPlainClient(environment);
    await expect(iterate(plain.workflow.list({ query }))).rejects.toEqual(UNCONFIGURED);
    await redis.del([...(await storedKeys())]);
    await expect(iterate(client.workflow.list({ query }))).rejects.toEqual(MISSING);

    await expect(plain.workflow.getHandle(workflowId).describe()).rejects.toMatchObject({ cause: UNCONFIGURED });
    await expect(client.workflow.getHandle(workflowId).describe()).rejects.toMatchObject({ cause: MISSING });

    const { executions } = await client.workflowService.listWorkflowExecutions({ namespace, query });
    expect(executions).toMatchObject([{ execution: { workflowId } }]);
    const request = { namespace, execution: { workflowId } };
    const { workflowExecutionInfo } = await client.workflowService.describeWorkflowExecution(request);
    expect(findReferences(workflowExecutionInfo!)).toMatchObject([['memo.fields.note', expect.any(String)]]);
  });

  it('ends list of schedules, but not of workflowService', async () => {
    const environment = createEnvironment();
    const { namespace, client, taskQueue, redis, storedKeys } = environment;
    const schedule = await createSchedule(client, taskQueue, { ofSchedule: createLargeText('note') });
    await waitForValue(async () => (await iterate(client.schedule.list()))[0]);

    await expect(iterate(createPlainClient(environment).schedule.list())).rejects.toEqual(UNCONFIGURED);
    await redis.del([...(await storedKeys())]);
    await expect(iterate(client.schedule.list())).rejects.toEqual(MISSING);
    const { schedules } = await client.workflowService.listSchedules({ namespace });
    expect(schedules).toMatchObject([{ scheduleId: schedule.scheduleId }]);
    await schedule.delete();
  });
});
