import { randomUUID } from 'node:crypto';
import { WorkflowFailedError } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { waitForValue, createLargeText, THRESHOLD, useServers } from './harness';
import { computeDigest, serialize } from './keys';
import { parseReference, findReferences } from './references';
import { echo, fail, parent, relay, reviseMemo } from './workflows';

const createEnvironment = useServers();

describe('a workflow with large payloads', () => {
  it('stores input and result in Redis, and references in history', async () => {
    const keyPrefix = `orders-${randomUUID()}`;
    const { namespace, taskQueue, client, createWorker, redis } = createEnvironment({ drivers: [{ keyPrefix }] });
    const id = randomUUID();
    const input = createLargeText('input – Grüße 💾');
    const result = `${input}, echoed`;

    const worker = await createWorker();
    const handle = await client.workflow.start(echo, { workflowId: `ä/${id}:(1)`, taskQueue, args: [input] });
    await expect(worker.runUntil(handle.result())).resolves.toBe(result);

    const workflow = `ns:${namespace}:wt:echo:wi:%C3%A4%2F${id}%3A%281%29`;
    const inputKey = `${keyPrefix}:v0:${workflow}:ri:null:d:sha256:${computeDigest(input)}`;
    const resultKey = `${keyPrefix}:v0:${workflow}:ri:${handle.firstExecutionRunId}:d:sha256:${computeDigest(result)}`;
    const history = await handle.fetchHistory();
    expect(findReferences(history)).toEqual([
      ['workflowExecutionStarted.input', inputKey],
      ['workflowExecutionCompleted.result', resultKey],
    ]);
    expect(parseReference(history.events![0]!.workflowExecutionStartedEventAttributes!.input!.payloads![0]!)).toEqual({
      driverName: 'redis',
      claimData: {
        key: inputKey,
        hash_algorithm: 'sha256',
        hash_value: computeDigest(input),
        size: String(serialize(input).length),
      },
    });
    expect(new Set(await redis.keys(`${keyPrefix}*`))).toEqual(new Set([inputKey, resultKey]));
    await expect(redis.withTypeMapping({ 36: Buffer }).get(inputKey)).resolves.toEqual(serialize(input));
  });

  it('stores the details of its failure', async () => {
    const { taskQueue, client, createWorker, keys, storedKeys } = createEnvironment();
    const id = randomUUID();
    const details = createLargeText('details');

    const worker = await createWorker();
    const handle = await client.workflow.start(fail, { workflowId: id, taskQueue, args: [details] });
    const error = await worker.runUntil(handle.result().catch((reason: unknown) => reason));
    expect(error).toBeInstanceOf(WorkflowFailedError);
    expect(error).toMatchObject({ cause: { message: 'on purpose', details: [details] } });

    const input = keys.buildWorkflowKey({ type: 'fail', id }, details);
    const failure = keys.buildWorkflowKey({ type: 'fail', id, runId: handle.firstExecutionRunId }, details);
    expect(findReferences(await handle.fetchHistory())).toEqual([
      ['workflowExecutionStarted.input', input],
      ['workflowExecutionFailed.failure.applicationFailureInfo.details', failure],
    ]);
    await expect(storedKeys()).resolves.toEqual(new Set([input, failure]));
  });

  it("stores a child's input under the child, and the child's result under the parent", async () => {
    const { taskQueue, client, createWorker, keys, storedKeys } = createEnvironment();
    const id = randomUUID();
    const childId = `${id}-child`;
    const input = createLargeText('input');

    const worker = await createWorker();
    const handle = await client.workflow.start(parent, { workflowId: id, taskQueue, args: [input] });
    const result = await worker.runUntil(handle.result());
    expect(result).toBe(`${input}, echoed, received by the parent`);

    const runId = handle.firstExecutionRunId;
    const parentInput = keys.buildWorkflowKey({ type: 'parent', id }, input);
    const childInput = keys.buildWorkflowKey({ type: 'echo', id: childId }, input);
    const childResult = keys.buildWorkflowKey({ id, runId }, `${input}, echoed`);
    const parentResult = keys.buildWorkflowKey({ type: 'parent', id, runId }, result);
    expect(findReferences(await handle.fetchHistory())).toEqual([
      ['workflowExecutionStarted.input', parentInput],
      ['startChildWorkflowExecutionInitiated.input', childInput],
      ['childWorkflowExecutionCompleted.result', childResult],
      ['workflowExecutionCompleted.result', parentResult],
    ]);
    expect(findReferences(await client.workflow.getHandle(childId).fetchHistory())).toEqual([
      ['workflowExecutionStarted.input', childInput],
      ['workflowExecutionCompleted.result', childResult],
    ]);
    await expect(storedKeys()).resolves.toEqual(new Set([parentInput, childInput, childResult, parentResult]));
  });

  it('stores the input of the next run without a run id when it continues as new', async () => {
    const { taskQueue, client, createWorker, keys, storedKeys } = createEnvironment();
    const id = randomUUID();
    const input = createLargeText('input');

    const worker = await createWorker();
    const handle = await client.workflow.start(relay, { workflowId: id, taskQueue, args: [input, 2] });
    await expect(worker.runUntil(handle.result())).resolves.toBe(`${input}, relayed`);

    const first = client.workflow.getHandle(id, handle.firstExecutionRunId);
    const last = client.workflow.getHandle(id);
    const { runId } = await last.describe();
    const firstInput = keys.buildWorkflowKey({ type: 'relay', id }, input);
    const lastInput = keys.buildWorkflowKey({ type: 'relay', id }, `${input}, relayed`);
    const result = keys.buildWorkflowKey({ type: 'relay', id, runId }, `${input}, relayed`);
    expect(findReferences(await first.fetchHistory())).toEqual([
      ['workflowExecutionStarted.input', firstInput],
      ['workflowExecutionContinuedAsNew.input', lastInput],
    ]);
    expect(findReferences(await last.fetchHistory())).toEqual([
      ['workflowExecutionStarted.input', lastInput],
      ['workflowExecutionCompleted.result', result],
    ]);
    await expect(storedKeys()).resolves.toEqual(new Set([firstInput, lastInput, result]));
  });

  it('stores its memo at the start and after an update', async () => {
    const { namespace, taskQueue, client, createWorker, keys, storedKeys } = createEnvironment();
    const id = randomUUID();
    const note = createLargeText('note');

    const worker = await createWorker();
    const handle = await client.workflow.start(reviseMemo, { workflowId: id, taskQueue, memo: { note } });
    await expect(worker.runUntil(handle.result())).resolves.toBe(note);
    await expect(handle.describe()).resolves.toMatchObject({ memo: { note: `${note}, revised` } });

    const runId = handle.firstExecutionRunId;
    const memo = keys.buildWorkflowKey({ type: 'reviseMemo', id }, note);
    const revised = keys.buildWorkflowKey({ type: 'reviseMemo', id, runId }, `${note}, revised`);
    const result = keys.buildWorkflowKey({ type: 'reviseMemo', id, runId }, note);
    expect(findReferences(await handle.fetchHistory())).toEqual([
      ['workflowExecutionStarted.memo.fields.note', memo],
      ['workflowPropertiesModified.upsertedMemo.fields.note', revised],
      ['workflowExecutionCompleted.result', result],
    ]);
    const execution = { workflowId: id };
    expect(findReferences(await client.workflowService.describeWorkflowExecution({ namespace, execution }))).toEqual([
      ['workflowExecutionInfo.memo.fields.note', revised],
    ]);
    await expect(storedKeys()).resolves.toEqual(new Set([memo, revised, result]));
  });

  it('stores the arguments of a schedule under the workflow id in the schedule', async () => {
    const { namespace, taskQueue, client, createWorker, keys, storedKeys } = createEnvironment();
    const id = randomUUID();
    const scheduleId = randomUUID();
    const input = createLargeText('input');

    const schedule = await client.schedule.create({
      scheduleId,
      spec: {},
      action: { type: 'startWorkflow', workflowType: echo, workflowId: id, taskQueue, args: [input] },
    });
    await expect(schedule.describe()).resolves.toMatchObject({ action: { args: [input] } });
    const inputKey = keys.buildWorkflowKey({ type: 'echo', id }, input);
    expect(findReferences(await client.workflowService.describeSchedule({ namespace, scheduleId }))).toEqual([
      ['schedule.action.startWorkflow.input', inputKey],
    ]);
    await expect(storedKeys()).resolves.toEqual(new Set([inputKey]));

    const worker = await createWorker();
    await worker.runUntil(async () => {
      await schedule.trigger();
      const run = await waitForValue(async () => (await schedule.describe()).info.recentActions[0]?.action.workflow);
      const handle = client.workflow.getHandle<typeof echo>(run.workflowId);
      const result = await handle.result();
      expect(result).toBe(`${input}, echoed`);

      const resultKey = keys.buildWorkflowKey(
        { type: 'echo', id: encodeURIComponent(run.workflowId), runId: run.firstExecutionRunId },
        result,
      );
      expect(findReferences(await handle.fetchHistory())).toEqual([
        ['workflowExecutionStarted.input', inputKey],
        ['workflowExecutionCompleted.result', resultKey],
      ]);
      await expect(storedKeys()).resolves.toEqual(new Set([inputKey, resultKey]));
    });
    await schedule.delete();
  });
});

describe('a workflow with inline payloads', () => {
  it('keeps payloads below the threshold in history', async () => {
    const { taskQueue, client, createWorker, storedKeys } = createEnvironment();
    const input = 'x'.repeat(THRESHOLD / 2);

    const worker = await createWorker();
    const options = { workflowId: randomUUID(), taskQueue, memo: { input } };
    const handle = await client.workflow.start(echo, { ...options, args: [input] });
    await expect(worker.runUntil(handle.result())).resolves.toBe(`${input}, echoed`);

    expect(findReferences(await handle.fetchHistory())).toEqual([]);
    await expect(storedKeys()).resolves.toEqual(new Set());
  });

  it('keeps search attributes in history, however large they are', async () => {
    const { namespace, taskQueue, client, createWorker, storedKeys } = createEnvironment();
    const key = defineSearchAttributeKey('EndToEndText', 'TEXT');
    const value = createLargeText('attribute').slice(0, THRESHOLD);
    await client.connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: { [key.name]: temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_TEXT },
    });

    const worker = await createWorker();
    const options = { workflowId: randomUUID(), taskQueue, typedSearchAttributes: [{ key, value }] };
    const handle = await client.workflow.start(echo, { ...options, args: ['small'] });
    await worker.runUntil(handle.result());

    expect(findReferences(await handle.fetchHistory())).toEqual([
      ['workflowExecutionStarted.searchAttributes.indexedFields.EndToEndText', 'inline'],
    ]);
    expect((await handle.describe()).typedSearchAttributes.get(key)).toBe(value);
    await expect(storedKeys()).resolves.toEqual(new Set());
  });
});
