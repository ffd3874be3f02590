import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { activityInfo, ApplicationFailure, heartbeat } from '@temporalio/activity';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { ExternalStorage, type DataConverter } from '@temporalio/common';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import { NodeRedisStorageDriverClient } from '@temporal-redis-storage/node-redis';
import { startRedis, startTemporal, type RunningRedis, type RunningTemporal } from '@temporal-redis-storage/testing';
import { inspectWorkflow, type InspectedReference, type InspectResult } from '../src';
import { finish, haveChildren, perform, type Activities } from './inspect-workflows';
import { createPrefix, openRedis, spellKey, type TestRedis } from './support/redis';
import { runCommand, runJson } from './support/run-command';
import { eventually, failWith, referTo, ScriptedWorkflows } from './support/scripted-workflows';

jest.setTimeout(120_000);

const DAY_MS = 86_400_000;

/** A text over the threshold that no other call returns. */
function large(label: string): string {
  return `${label} ${randomBytes(1024).toString('hex')}`;
}

describe('inspect', () => {
  let server: RunningRedis;
  let redis: TestRedis;
  let temporal: RunningTemporal;
  let scripted: ScriptedWorkflows;
  let connection: Connection;
  let nativeConnection: NativeConnection;
  let workflowBundle: { code: string };
  let keyPrefix: string;
  let client: Client;
  let dataConverter: DataConverter;
  let taskQueue: string;

  beforeAll(async () => {
    const logger = new DefaultLogger('ERROR');
    Runtime.install({ logger });
    server = await startRedis();
    redis = await openRedis(server.url);
    temporal = await startTemporal();
    scripted = await ScriptedWorkflows.connect(temporal.address, temporal.namespace);
    connection = await Connection.connect({ address: temporal.address });
    nativeConnection = await NativeConnection.connect({ address: temporal.address });
    workflowBundle = await bundleWorkflowCode({ workflowsPath: require.resolve('./inspect-workflows'), logger });
  });

  beforeEach(() => {
    keyPrefix = createPrefix();
    taskQueue = `queue-${randomUUID()}`;
    const driver = new RedisStorageDriver({ client: new NodeRedisStorageDriverClient(redis), keyPrefix, ttl: '10d' });
    dataConverter = { externalStorage: new ExternalStorage({ drivers: [driver], payloadSizeThreshold: 1024 }) };
    client = new Client({ connection, namespace: temporal.namespace, dataConverter });
  });

  afterAll(async () => {
    await nativeConnection?.close();
    await connection?.close();
    await scripted?.close();
    await temporal?.stop();
    redis?.destroy();
    await server?.stop();
    await Runtime.instance().shutdown();
  });

  /** Runs a worker while `work` lasts. */
  async function withWorker<T>(activities: Activities, work: () => Promise<T>): Promise<T> {
    const worker = await Worker.create({
      connection: nativeConnection,
      namespace: temporal.namespace,
      taskQueue,
      dataConverter,
      workflowBundle,
      activities,
      shutdownForceTime: '5 seconds',
    });
    return worker.runUntil(work);
  }

  async function start(): Promise<WorkflowHandle<typeof perform>> {
    return client.workflow.start(perform, {
      taskQueue,
      workflowId: `w-${randomUUID()}`,
      args: [large('input')],
      memo: { note: large('memo') },
    });
  }

  /** Runs a workflow to its end, and answers its id. */
  async function complete(): Promise<string> {
    const handle = await start();
    await handle.signal(finish, large('last'));
    await withWorker({ work: async (input) => `${input}, done` }, async () => handle.result());
    return handle.workflowId;
  }

  function flags(): string[] {
    const { address, namespace } = temporal;
    return ['--redis-url', server.url, '--address', address, '--namespace', namespace];
  }

  async function inspect(workflowId: string, ...args: string[]): Promise<InspectResult> {
    return runJson('inspect', workflowId, ...flags(), ...args);
  }

  function findPlaces({ references }: InspectResult): string[] {
    return references.map(({ eventId, event, field }) => `${eventId ?? '-'} ${event}.${field}`);
  }

  function find({ references }: InspectResult, event: string, field: string): InspectedReference {
    const reference = references.find((each) => each.event === event && each.field === field);
    if (reference === undefined) {
      throw new Error(
        `No reference in ${event}.${field}, only in ${findPlaces({ references } as InspectResult).join(', ')}`,
      );
    }
    return reference;
  }

  it('lists every reference of a completed run, by event and field, as present', async () => {
    const result = await inspect(await complete());
    expect(result.status).toBe('Completed');
    expect(findPlaces(result)).toEqual([
      '1 WorkflowExecutionStarted.input',
      '1 WorkflowExecutionStarted.memo.note',
      expect.stringMatching(/^\d+ WorkflowExecutionSignaled\.input$/),
      expect.stringMatching(/^\d+ WorkflowPropertiesModified\.upsertedMemo\.note$/),
      expect.stringMatching(/^\d+ ActivityTaskScheduled\.input$/),
      expect.stringMatching(/^\d+ ActivityTaskCompleted\.result$/),
      expect.stringMatching(/^\d+ WorkflowExecutionCompleted\.result$/),
      '- Now.memo.note',
    ]);
    const stored = await redis.keys(`${keyPrefix}:*`);
    expect(new Set(result.references.map(({ key }) => key))).toEqual(new Set(stored));
    for (const { key, state, size, driverName } of result.references) {
      expect({ state, driverName, size }).toEqual({
        state: 'present',
        driverName: 'redis',
        size: await redis.strLen(key!),
      });
    }
  });

  it('judges the payloads of a closed run by the end of its retention', async () => {
    const workflowId = await complete();
    const before = await inspect(workflowId);
    const { key, ttlMs, neededUntil } = find(before, 'WorkflowExecutionStarted', 'input');
    expect(ttlMs).toBeGreaterThan(9 * DAY_MS);
    const { closeTime } = await client.workflow.getHandle(workflowId).describe();
    expect(Date.parse(neededUntil!)).toBe(closeTime!.getTime() + DAY_MS);
    expect(before.references.map(({ outlives }) => outlives)).toEqual(before.references.map(() => true));

    await redis.pExpire(key!, DAY_MS / 2);
    const { status, stdout } = await runCommand(['inspect', workflowId, ...flags()]);
    expect(status).toBe(1);
    expect(stdout).toMatch(/WorkflowExecutionStarted\.input .* present +12 h, too early/);

    await redis.persist(key!);
    const persisted = find(await inspect(workflowId), 'WorkflowExecutionStarted', 'input');
    expect(persisted).toMatchObject({ ttlMs: null, outlives: true });
  });

  it('reports a missing and a truncated payload, and exits with 1', async () => {
    const workflowId = await complete();
    const result = await inspect(workflowId);
    const missing = find(result, 'WorkflowExecutionStarted', 'input').key!;
    const truncated = find(result, 'ActivityTaskCompleted', 'result').key!;
    await redis.del(missing);
    await redis.set(truncated, 'short', { expiration: 'KEEPTTL' });

    const { status, stdout } = await runCommand(['inspect', workflowId, ...flags(), '--json']);

    expect(status).toBe(1);
    const after = JSON.parse(stdout) as InspectResult;
    expect(find(after, 'WorkflowExecutionStarted', 'input')).toMatchObject({
      state: 'missing',
      ttlMs: null,
      outlives: false,
    });
    expect(find(after, 'ActivityTaskCompleted', 'result')).toMatchObject({ state: 'corrupt', size: 5 });
  });

  it('finds a changed byte with --verify alone', async () => {
    const workflowId = await complete();
    const key = find(await inspect(workflowId), 'ActivityTaskCompleted', 'result').key!;
    await redis.setRange(key, 500, '!');
    const field = ['ActivityTaskCompleted', 'result'] as const;
    expect(find(await inspect(workflowId), ...field).state).toBe('present');
    expect(find(await inspect(workflowId, '--verify'), ...field).state).toBe('corrupt');
  });

  it('lists the references of a pending activity, and judges no time limit while the run is open', async () => {
    const handle = await start();
    const work = async (): Promise<string> => {
      heartbeat(large('heartbeat'));
      throw ApplicationFailure.create({ message: 'on purpose', details: [large('details'), activityInfo().attempt] });
    };
    await withWorker({ work }, async () =>
      eventually(async () => {
        const { raw } = await handle.describe();
        return raw.pendingActivities?.[0]?.lastFailure != null;
      }),
    );

    const result = await inspect(handle.workflowId);

    expect(result.status).toBe('Running');
    expect(findPlaces(result)).toEqual(
      expect.arrayContaining([
        '- Now.pendingActivities.heartbeatDetails',
        '- Now.pendingActivities.lastFailure.applicationFailureInfo.details[0]',
      ]),
    );
    for (const reference of result.references) {
      expect(reference).toMatchObject({ state: 'present', neededUntil: null, outlives: null });
    }
    await handle.terminate();
  });

  it('lists references of other drivers, and does not judge them', async () => {
    const workflowId = `w-${randomUUID()}`;
    await scripted.start(workflowId, [referTo('v0/ns/default/x', 's3'), referTo('v0/ns/default/y', 's3')]);
    const { status, stdout } = await runCommand(['inspect', workflowId, ...flags(), '--json']);
    expect(status).toBe(0);
    expect((JSON.parse(stdout) as InspectResult).references).toMatchObject([
      { field: 'input[0]', driverName: 's3', key: 'v0/ns/default/x', state: null, ttlMs: null, outlives: null },
      { field: 'input[1]', driverName: 's3', key: 'v0/ns/default/y', state: null, ttlMs: null, outlives: null },
    ]);
  });

  it('finds references in headers, in causes of failures, in encoded failures and in summaries', async () => {
    const workflowId = `w-${randomUUID()}`;
    const { namespace, service } = scripted;
    await service.startWorkflowExecution({
      ...scripted.request(workflowId),
      header: { fields: { tracing: referTo('in the header', 's3') } },
      userMetadata: { summary: referTo('in the summary', 's3') },
    });
    await service.signalWorkflowExecution({
      namespace,
      workflowExecution: { workflowId },
      signalName: 'note',
      header: { fields: { tracing: referTo('in the header of a signal', 's3') } },
    });
    const cause = { ...failWith(referTo('in the cause', 's3')), encodedAttributes: referTo('encoded', 's3') };
    await scripted.fail(workflowId, referTo('in the failure', 's3'), cause);

    const { references } = await inspect(workflowId);

    expect(references.map(({ event, field, key }) => [`${event}.${field}`, key])).toEqual(
      expect.arrayContaining([
        ['WorkflowExecutionStarted.header.tracing', 'in the header'],
        ['WorkflowExecutionStarted.userMetadata.summary', 'in the summary'],
        ['WorkflowExecutionSignaled.header.tracing', 'in the header of a signal'],
        ['WorkflowExecutionFailed.failure.applicationFailureInfo.details', 'in the failure'],
        ['WorkflowExecutionFailed.failure.cause.applicationFailureInfo.details', 'in the cause'],
        ['WorkflowExecutionFailed.failure.cause.encodedAttributes', 'encoded'],
      ]),
    );
  });

  it('never reads a key that is not in the format, though a reference of the driver names it', async () => {
    const workflowId = `w-${randomUUID()}`;
    await redis.set(`${keyPrefix}:secret`, 'secret');
    await scripted.start(workflowId, [referTo(`${keyPrefix}:secret`)]);
    const { references } = await inspect(workflowId, '--driver-name', 'redis', '--verify');
    expect(references).toMatchObject([{ state: 'corrupt', size: 1, ttlMs: null }]);
  });

  it('saves each payload into a file that only its owner can read, and overwrites none', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'inspect-'));
    try {
      const workflowId = await complete();
      const target = join(directory, 'saved');
      await inspect(workflowId, '--save', target);

      const files = await readdir(target);
      expect(files).toEqual(expect.arrayContaining(['1-WorkflowExecutionStarted-input.json', 'now-memo.note.json']));
      expect(files).toHaveLength(8);
      expect((await stat(target)).mode & 0o777).toBe(0o700);
      for (const file of files) expect((await stat(join(target, file))).mode & 0o777).toBe(0o600);
      const result = files.find((file) => file.endsWith('WorkflowExecutionCompleted-result.json'))!;
      const saved = JSON.parse(await readFile(join(target, result), 'utf8')) as string;
      expect(saved).toBe(await client.workflow.getHandle<typeof perform>(workflowId).result());

      const again = await runCommand(['inspect', workflowId, ...flags(), '--save', target]);
      expect(again.status).toBe(2);
      expect(again.stderr).toMatch(/Cannot write .*WorkflowExecutionStarted-input\.json: it exists/);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it("finds in a parent's history the payloads that are stored under its children, on which renew relies", async () => {
    const workflowId = `w-${randomUUID()}`;
    const options = { taskQueue, workflowId, args: [large('input')] as [string] };
    await withWorker({ work: async (input) => input }, async () => client.workflow.execute(haveChildren, options));

    const result = await inspect(workflowId);

    const failure = find(result, 'ChildWorkflowExecutionFailed', 'failure.applicationFailureInfo.details');
    expect(failure).toMatchObject({ state: 'present', isCopy: false });
    expect(failure.key).toContain(`:wi:${workflowId}-failing:`);
    const continued = find(result, 'ChildWorkflowExecutionCompleted', 'result');
    expect(continued).toMatchObject({ state: 'present', isCopy: false });
    expect(continued.key).toContain(`:wi:${workflowId}-continuing:`);
    expect(find(result, 'StartChildWorkflowExecutionInitiated', 'input')).toMatchObject({ isCopy: true });
  });

  it("does not mind that a child's input is gone, which the parent's history only shows", async () => {
    const [parent, child] = [`p-${randomUUID()}`, `c-${randomUUID()}`];
    const key = spellKey(keyPrefix, { namespace: temporal.namespace, type: 'scripted', id: child });
    await scripted.start(parent);
    await scripted.startChild(parent, child, referTo(key));

    const ofParent = await runCommand(['inspect', parent, ...flags(), '--json']);
    expect(ofParent.status).toBe(0);
    expect((JSON.parse(ofParent.stdout) as InspectResult).references).toMatchObject([
      { event: 'StartChildWorkflowExecutionInitiated', field: 'input', key, state: 'missing', isCopy: true },
    ]);
    const ofChild = await runCommand(['inspect', child, ...flags(), '--json']);
    expect(ofChild.status).toBe(1);
    expect((JSON.parse(ofChild.stdout) as InspectResult).references).toMatchObject([
      { event: 'WorkflowExecutionStarted', field: 'input', key, state: 'missing', isCopy: false },
    ]);
  });

  it('inspects the run that --run-id names', async () => {
    const workflowId = `w-${randomUUID()}`;
    const first = await scripted.start(workflowId, [referTo('a', 's3')]);
    await scripted.terminate(workflowId);
    const second = await scripted.start(workflowId, [referTo('b', 's3')]);
    await expect(inspect(workflowId)).resolves.toMatchObject({ runId: second, references: [{ key: 'b' }] });
    await expect(inspect(workflowId, '--run-id', first)).resolves.toMatchObject({
      runId: first,
      status: 'Terminated',
      references: [{ key: 'a' }],
    });
  });

  it('exits with 2 where Temporal has no such workflow', async () => {
    const { status, stderr } = await runCommand(['inspect', 'no-such-workflow', ...flags()]);
    expect(status).toBe(2);
    expect(stderr).toBe(
      'Error: Temporal has no workflow "no-such-workflow" in the namespace ' +
        `"${temporal.namespace}": it never ran there, or its retention is over: 5 NOT_FOUND: ` +
        `workflow not found for ID: no-such-workflow\n`,
    );
  });

  it('rejects when its signal aborts', async () => {
    const workflowId = await complete();
    const { address, namespace } = temporal;
    const signal = AbortSignal.abort(new Error('stopped'));
    const inspection = inspectWorkflow({ redisUrl: server.url, address, namespace, workflowId, signal });
    await expect(inspection).rejects.toThrow('stopped');
  });
});
