import { randomUUID } from 'node:crypto';
import { WithStartWorkflowOperation } from '@temporalio/client';
import { createLargeText, useServers } from './harness';
import { findReferences, type Place } from './references';
import { ask, close, exchange, mailbox, put, send } from './workflows';

const createEnvironment = useServers();

describe('a message to a workflow', () => {
  it('stores the argument of a signal under the receiver', async () => {
    const { taskQueue, client, createWorker, keys, storedKeys } = createEnvironment();
    const id = randomUUID();
    const letter = createLargeText('letter');

    const worker = await createWorker();
    const handle = await client.workflow.start(mailbox, { workflowId: id, taskQueue });
    await handle.signal(put, letter);
    await handle.signal(close);
    await expect(worker.runUntil(handle.result())).resolves.toEqual([letter]);

    const signal = keys.buildWorkflowKey({ id }, letter);
    const result = keys.buildWorkflowKey({ type: 'mailbox', id, runId: handle.firstExecutionRunId }, [letter]);
    expect(findReferences(await handle.fetchHistory())).toEqual([
      ['workflowExecutionSignaled.input', signal],
      ['workflowExecutionCompleted.result', result],
    ]);
    await expect(storedKeys()).resolves.toEqual(new Set([signal, result]));
  });

  it('stores the arguments of a signal-with-start under the started workflow', async () => {
    const { taskQueue, client, createWorker, keys, storedKeys } = createEnvironment();
    const id = randomUUID();
    const [first, second] = [createLargeText('first'), createLargeText('second')];
    const letter = createLargeText('letter');

    const worker = await createWorker();
    const handle = await client.workflow.signalWithStart(mailbox, {
      workflowId: id,
      taskQueue,
      args: [first, second],
      signal: put,
      signalArgs: [letter],
    });
    await handle.signal(close);
    await expect(worker.runUntil(handle.result())).resolves.toEqual([first, second, letter]);

    const firstInput = keys.buildWorkflowKey({ type: 'mailbox', id }, first);
    const secondInput = keys.buildWorkflowKey({ type: 'mailbox', id }, second);
    const signal = keys.buildWorkflowKey({ type: 'mailbox', id }, letter);
    const result = keys.buildWorkflowKey({ type: 'mailbox', id, runId: handle.signaledRunId }, [first, second, letter]);
    expect(findReferences(await handle.fetchHistory())).toEqual([
      ['workflowExecutionStarted.input', firstInput],
      ['workflowExecutionStarted.input', secondInput],
      ['workflowExecutionSignaled.input', signal],
      ['workflowExecutionCompleted.result', result],
    ]);
    await expect(storedKeys()).resolves.toEqual(new Set([firstInput, secondInput, signal, result]));
  });

  it('stores the argument of a signal from another workflow under the receiver', async () => {
    const { taskQueue, client, createWorker, keys, storedKeys } = createEnvironment();
    const id = randomUUID();
    const senderId = `${id}-sender`;
    const letter = createLargeText('letter');

    const worker = await createWorker();
    const receiver = await client.workflow.start(mailbox, { workflowId: id, taskQueue });
    const sender = await client.workflow.start(send, { workflowId: senderId, taskQueue, args: [id, letter] });
    await worker.runUntil(async () => {
      await sender.result();
      await receiver.signal(close);
      await expect(receiver.result()).resolves.toEqual([letter]);
    });

    const input = keys.buildWorkflowKey({ type: 'send', id: senderId }, letter);
    const signal = keys.buildWorkflowKey({ id }, letter);
    const result = keys.buildWorkflowKey({ type: 'mailbox', id, runId: receiver.firstExecutionRunId }, [letter]);
    expect(findReferences(await sender.fetchHistory())).toEqual([
      ['workflowExecutionStarted.input', input],
      ['signalExternalWorkflowExecutionInitiated.input', signal],
    ]);
    expect(findReferences(await receiver.fetchHistory())).toEqual([
      ['workflowExecutionSignaled.input', signal],
      ['workflowExecutionCompleted.result', result],
    ]);
    await expect(storedKeys()).resolves.toEqual(new Set([input, signal, result]));
  });

  it('stores the argument of a query under the receiver and the answer under its run', async () => {
    const { taskQueue, client, createWorker, keys, storedKeys, traffic } = createEnvironment();
    const id = randomUUID();
    const question = createLargeText('question');

    const worker = await createWorker();
    const handle = await client.workflow.start(mailbox, { workflowId: id, taskQueue });
    const answers: Place[] = [];
    const queryWorkflow = client.workflowService.queryWorkflow.bind(client.workflowService);
    const spy = jest.spyOn(client.workflowService, 'queryWorkflow').mockImplementation(async (request) => {
      const response = await queryWorkflow(request);
      answers.push(...findReferences(response));
      return response;
    });
    await worker.runUntil(async () => {
      await expect(handle.query(ask, question)).resolves.toBe(`${question}, answered`);
      await handle.signal(close);
      await handle.result();
    });
    spy.mockRestore();

    const argument = keys.buildWorkflowKey({ id }, question);
    const answer = keys.buildWorkflowKey(
      { type: 'mailbox', id, runId: handle.firstExecutionRunId },
      `${question}, answered`,
    );
    expect(answers).toEqual([['queryResult', answer]]);
    expect(findReferences(await handle.fetchHistory())).toEqual([]);
    // The worker read the argument, and the client the answer.
    expect(traffic.reads).toEqual([argument, answer]);
    await expect(storedKeys()).resolves.toEqual(new Set([argument, answer]));
  });

  it('stores the argument of an update under the receiver and the result under its run', async () => {
    const { taskQueue, client, createWorker, keys, storedKeys } = createEnvironment();
    const id = randomUUID();
    const letter = createLargeText('letter');

    const worker = await createWorker();
    const handle = await client.workflow.start(mailbox, { workflowId: id, taskQueue });
    await worker.runUntil(async () => {
      await expect(handle.executeUpdate(exchange, { args: [letter] })).resolves.toBe(`${letter}, exchanged`);
      await handle.signal(close);
      await handle.result();
    });

    const argument = keys.buildWorkflowKey({ id }, letter);
    const result = keys.buildWorkflowKey(
      { type: 'mailbox', id, runId: handle.firstExecutionRunId },
      `${letter}, exchanged`,
    );
    expect(findReferences(await handle.fetchHistory())).toEqual([
      ['workflowExecutionUpdateAccepted.acceptedRequest.input.args', argument],
      ['workflowExecutionUpdateCompleted.outcome.success', result],
    ]);
    await expect(storedKeys()).resolves.toEqual(new Set([argument, result]));
  });

  it('stores the arguments of an update-with-start under the started workflow', async () => {
    const { taskQueue, client, createWorker, keys, storedKeys } = createEnvironment();
    const id = randomUUID();
    const input = createLargeText('input');
    const letter = createLargeText('letter');

    const worker = await createWorker();
    const startWorkflowOperation = new WithStartWorkflowOperation(mailbox, {
      workflowId: id,
      taskQueue,
      args: [input],
      workflowIdConflictPolicy: 'FAIL',
    });
    await worker.runUntil(async () => {
      await expect(
        client.workflow.executeUpdateWithStart(exchange, { args: [letter], startWorkflowOperation }),
      ).resolves.toBe(`${letter}, exchanged`);
      await client.workflow.getHandle(id).signal(close);
      await expect(client.workflow.result(id)).resolves.toEqual([input]);
    });

    const handle = await startWorkflowOperation.workflowHandle();
    const run = { type: 'mailbox', id, runId: (await handle.describe()).runId };
    const start = keys.buildWorkflowKey({ type: 'mailbox', id }, input);
    const argument = keys.buildWorkflowKey({ type: 'mailbox', id }, letter);
    const updateResult = keys.buildWorkflowKey(run, `${letter}, exchanged`);
    const result = keys.buildWorkflowKey(run, [input]);
    expect(findReferences(await handle.fetchHistory())).toEqual([
      ['workflowExecutionStarted.input', start],
      ['workflowExecutionUpdateAccepted.acceptedRequest.input.args', argument],
      ['workflowExecutionUpdateCompleted.outcome.success', updateResult],
      ['workflowExecutionCompleted.result', result],
    ]);
    await expect(storedKeys()).resolves.toEqual(new Set([start, argument, updateResult, result]));
  });
});
