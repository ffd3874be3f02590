import { randomBytes, randomUUID } from 'node:crypto';
import { Client } from '@temporalio/client';
import { ExternalStorage } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { Worker } from '@temporalio/worker';
import { EncryptionCodec } from './encryption-codec';
import { createLargeText, THRESHOLD, useServers } from './harness';
import { Keys } from './keys';
import { parseReference, findReferences } from './references';
import { echo, echoBytes, perform, performInSteps } from './workflows';

const createEnvironment = useServers();

describe('a stored payload', () => {
  it('is written once per run, however often the run stores it', async () => {
    const { taskQueue, client, createWorker, keys, storedKeys, traffic } = createEnvironment();
    const id = randomUUID();
    const input = createLargeText('input');

    const worker = await createWorker({ activities: { work: async (value: string) => value } });
    const handle = await client.workflow.start(perform, { workflowId: id, taskQueue, args: [input] });
    await expect(worker.runUntil(handle.result())).resolves.toBe(input);

    const started = keys.buildWorkflowKey({ type: 'perform', id }, input);
    const inRun = keys.buildWorkflowKey({ type: 'perform', id, runId: handle.firstExecutionRunId }, input);
    expect(findReferences(await handle.fetchHistory())).toEqual([
      ['workflowExecutionStarted.input', started],
      ['activityTaskScheduled.input', inRun],
      ['activityTaskCompleted.result', inRun],
      ['workflowExecutionCompleted.result', inRun],
    ]);
    expect(traffic.writes).toEqual([
      { key: started, inserted: true },
      { key: inRun, inserted: true },
      { key: inRun, inserted: false },
      { key: inRun, inserted: false },
    ]);
    await expect(storedKeys()).resolves.toEqual(new Set([started, inRun]));
  });

  it('is written once for each workflow and each run that stores it', async () => {
    const { taskQueue, client, createWorker, keys, storedKeys } = createEnvironment();
    const [id, otherId] = [randomUUID(), randomUUID()];
    const input = createLargeText('input');
    const result = `${input}, echoed`;

    const worker = await createWorker();
    const [first, second, other] = await worker.runUntil(async () => {
      const handles = [];
      for (const workflowId of [id, id, otherId]) {
        const handle = await client.workflow.start(echo, { workflowId, taskQueue, args: [input] });
        await handle.result();
        handles.push(handle.firstExecutionRunId);
      }
      return handles;
    });

    await expect(storedKeys()).resolves.toEqual(
      new Set([
        // The input of a new run has no run id yet.
        keys.buildWorkflowKey({ type: 'echo', id }, input),
        keys.buildWorkflowKey({ type: 'echo', id, runId: first! }, result),
        keys.buildWorkflowKey({ type: 'echo', id, runId: second! }, result),
        keys.buildWorkflowKey({ type: 'echo', id: otherId }, input),
        keys.buildWorkflowKey({ type: 'echo', id: otherId, runId: other! }, result),
      ]),
    );
  });

  it('has the letters of the workflow id in its key as they are, capitals included', async () => {
    const { taskQueue, client, createWorker, keys, storedKeys } = createEnvironment();
    const id = `Ärger-ΩМir-注文-ORDER-${randomUUID()}`;
    const input = createLargeText('input');
    const worker = await createWorker();
    const expected = await worker.runUntil(async () => {
      const inputsAndResults: string[] = [];
      for (const workflowId of [id, id.toLowerCase()]) {
        const handle = await client.workflow.start(echo, { workflowId, taskQueue, args: [input] });
        const run = { type: 'echo', id: encodeURIComponent(workflowId), runId: handle.firstExecutionRunId };
        inputsAndResults.push(keys.buildWorkflowKey({ type: 'echo', id: run.id }, input));
        inputsAndResults.push(keys.buildWorkflowKey(run, await handle.result()));
      }
      return inputsAndResults;
    });
    expect(new Set(expected).size).toBe(4);
    await expect(storedKeys()).resolves.toEqual(new Set(expected));
  });

  it('has the TTL of the driver', async () => {
    const { taskQueue, client, createWorker, storedKeys, redis } = createEnvironment({ drivers: [{ ttl: '1 hour' }] });

    const worker = await createWorker();
    const options = { workflowId: randomUUID(), taskQueue, args: [createLargeText('input')] as [string] };
    await worker.runUntil(client.workflow.execute(echo, options));

    const ttls = await Promise.all([...(await storedKeys())].map((key) => redis.pTTL(key)));
    expect(ttls).toHaveLength(2);
    for (const ttl of ttls) {
      expect(ttl).toBeGreaterThan(50 * 60_000);
      expect(ttl).toBeLessThanOrEqual(60 * 60_000);
    }
  });

  it('is ciphertext when a codec encrypts it', async () => {
    const { taskQueue, client, createWorker, storedKeys, redis } = createEnvironment({
      payloadCodecs: [new EncryptionCodec()],
    });
    const id = randomUUID();
    const input = createLargeText('input');
    const result = `${input}, worked on`;

    const worker = await createWorker({ activities: { work: async (value: string) => `${value}, worked on` } });
    const handle = await client.workflow.start(perform, { workflowId: id, taskQueue, args: [input] });
    await expect(worker.runUntil(handle.result())).resolves.toBe(result);

    const references = findReferences(await handle.fetchHistory());
    expect(references.map(([place]) => place)).toEqual([
      'workflowExecutionStarted.input',
      'activityTaskScheduled.input',
      'activityTaskCompleted.result',
      'workflowExecutionCompleted.result',
    ]);
    await expect(storedKeys()).resolves.toEqual(new Set(references.map(([, key]) => key)));
    for (const [, key] of references) {
      const bytes = await redis.withTypeMapping({ 36: Buffer }).get(key);
      expect(bytes?.includes(input)).toBe(false);
      const { metadata } = temporal.api.common.v1.Payload.decode(bytes!);
      expect(Buffer.from(metadata['encoding']!).toString()).toBe('binary/encrypted');
    }
  });

  it('can have 20 MiB, although the server itself accepts at most 2 MB', async () => {
    const { namespace, taskQueue, client, createWorker, storedKeys } = createEnvironment({
      storage: (drivers) => new ExternalStorage({ drivers }),
    });
    const start = { workflowId: randomUUID(), taskQueue };
    const bytes = randomBytes(20 * 1024 * 1024);

    const withoutStorage = new Client({ connection: client.connection, namespace });
    const args: [Uint8Array] = [bytes.subarray(0, 3 * 1024 * 1024)];
    await expect(withoutStorage.workflow.start(echoBytes, { ...start, args })).rejects.toMatchObject({
      cause: { details: expect.stringContaining('Blob data size exceeds limit') as string },
    });

    const worker = await createWorker();
    const handle = await client.workflow.start(echoBytes, { ...start, args: [bytes] });
    const result = await worker.runUntil(handle.result());
    expect(Buffer.compare(result, bytes)).toBe(0);
    const places = findReferences(await handle.fetchHistory()).map(([place]) => place);
    expect(places).toEqual(['workflowExecutionStarted.input', 'workflowExecutionCompleted.result']);
    expect((await storedKeys()).size).toBe(2);
  });

  it('is written by the driver that a selector chooses', async () => {
    const keyPrefix = `archive-${randomUUID()}`;
    const { namespace, taskQueue, client, createWorker, keys, storedKeys, redis } = createEnvironment({
      drivers: [{}, { driverName: 'archive', keyPrefix }],
      storage: (drivers) =>
        new ExternalStorage({
          drivers,
          driverSelector: ({ target }) => drivers[target?.runId === undefined ? 0 : 1]!,
          payloadSizeThreshold: THRESHOLD,
        }),
    });
    const id = randomUUID();
    const input = createLargeText('input');

    const worker = await createWorker();
    const handle = await client.workflow.start(echo, { workflowId: id, taskQueue, args: [input] });
    const result = await worker.runUntil(handle.result());
    expect(result).toBe(`${input}, echoed`);

    const inputKey = keys.buildWorkflowKey({ type: 'echo', id }, input);
    const run = { type: 'echo', id, runId: handle.firstExecutionRunId };
    const resultKey = new Keys(keyPrefix, namespace).buildWorkflowKey(run, result);
    const { events } = await handle.fetchHistory();
    expect(findReferences({ events })).toEqual([
      ['workflowExecutionStarted.input', inputKey],
      ['workflowExecutionCompleted.result', resultKey],
    ]);
    const completed = events!.at(-1)!.workflowExecutionCompletedEventAttributes!.result!.payloads![0]!;
    expect(parseReference(completed)?.driverName).toBe('archive');
    await expect(storedKeys()).resolves.toEqual(new Set([inputKey]));
    await expect(redis.keys(`${keyPrefix}:*`)).resolves.toEqual([resultKey]);
  });
});

describe('a replay', () => {
  it('of an evicted workflow reads and stores its payloads again, and inserts none twice', async () => {
    const { taskQueue, client, createWorker, keys, storedKeys, traffic } = createEnvironment();
    const id = randomUUID();
    const input = createLargeText('input');

    const activities = { work: async (value: string) => `${value} done` };
    const worker = await createWorker({ maxCachedWorkflows: 0, activities });
    const handle = await client.workflow.start(performInSteps, { workflowId: id, taskQueue, args: [input, 3] });
    const result = await worker.runUntil(handle.result());
    expect(result).toBe(`${input}, step 1 done, step 2 done, step 3 done`);

    const inputKey = keys.buildWorkflowKey({ type: 'performInSteps', id }, input);
    const run = { type: 'performInSteps', id, runId: handle.firstExecutionRunId };
    const firstStep = keys.buildWorkflowKey(run, `${input}, step 1`);
    // A workflow task starts each step, and one more ends the workflow.
    expect(traffic.reads.filter((key) => key === inputKey).length).toBeGreaterThanOrEqual(4);
    expect(traffic.writes.filter(({ key }) => key === firstStep).length).toBeGreaterThanOrEqual(4);
    const inserted = traffic.writes.filter((write) => write.inserted).map(({ key }) => key);
    expect(inserted).toHaveLength(1 + 3 + 3);
    expect(new Set(inserted).size).toBe(inserted.length);
    await expect(storedKeys()).resolves.toEqual(new Set(inserted));
  });

  it('by Worker.runReplayHistory reads the referenced payloads and stores none', async () => {
    const environment = createEnvironment();
    const { taskQueue, client, createWorker, keys, storedKeys, traffic, workflowBundle, dataConverter } = environment;
    const id = randomUUID();
    const input = createLargeText('input');

    const worker = await createWorker({ activities: { work: async (value: string) => `${value}, worked on` } });
    const handle = await client.workflow.start(perform, { workflowId: id, taskQueue, args: [input] });
    const result = await worker.runUntil(handle.result());
    const history = await handle.fetchHistory();
    const stored = await storedKeys();
    traffic.clear();

    await Worker.runReplayHistory({ workflowBundle, dataConverter }, history, id);

    expect(traffic.reads).toEqual([
      keys.buildWorkflowKey({ type: 'perform', id }, input),
      keys.buildWorkflowKey({ type: 'perform', id, runId: handle.firstExecutionRunId }, result),
    ]);
    expect(traffic.writes).toEqual([]);
    await expect(storedKeys()).resolves.toEqual(stored);
  });
});
