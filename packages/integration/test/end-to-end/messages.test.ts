import { randomUUID } from 'node:crypto';
import { WithStartWorkflowOperation } from '@temporalio/client';
import { createLargeText, useServers } from './harness';
import { findReferences, type Place } from './references';
import { ask, close, exchange, mailbox, put, send } from './workflows';

const setScene = useServers();

describe('A message to a workflow has its large payloads in Redis, under the receiver', () => {
  it('when it is a signal', async () => {
    const { taskQueue, client, createWorker, keys, storedKeys } = setScene();
    const id = randomUUID();
    const letter = createLargeText('letter');

    const worker = await createWorker();
    const handle = await client.workflow.start(mailbox, { workflowId: id, taskQueue });
    await handle.signal(put, letter);
    await handle.signal(close);
    await expect(worker.runUntil(handle.result())).resolves.toEqual([letter]);

    const signal = keys.ofWorkflow({ id }, letter);
    const result = keys.ofWorkflow({ type: 'mailbox', id, runId: handle.firstExecutionRunId }, [letter]);
    expect(findReferences(await handle.fetchHistory())).toEqual([
      ['workflowExecutionSignaled.input', signal],
      ['workflowExecutionCompleted.result', result],
    ]);
    await expect(storedKeys()).resolves.toEqual(new Set([signal, result]));
  });

  it('when it is a signal that starts the workflow', async () => {
    const { taskQueue, client, createWorker, keys, storedKeys } = setScene();
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

    const firstInput = keys.ofWorkflow({ type: 'mailbox', id }, first);
    const secondInput = keys.ofWorkflow({ type: 'mailbox', id }, second);
    const signal = keys.ofWorkflow({ type: 'mailbox', id }, letter);
    const result = keys.ofWorkflow({ type: 'mailbox', id, runId: handle.signaledRunId }, [first, second, letter]);
    expect(findReferences(await handle.fetchHistory())).toEqual([
      ['workflowExecutionStarted.input', firstInput],
      ['workflowExecutionStarted.input', secondInput],
      ['workflowExecutionSignaled.input', signal],
      ['workflowExecutionCompleted.result', result],
    ]);
    await expect(storedKeys()).resolves.toEqual(new Set([firstInput, secondInput, signal, result]));
  });

  it('when it is a signal from another workflow', async () => {
    const { taskQueue, client, createWorker, keys, storedKeys } = setScene();
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

    const input = keys.ofWorkflow({ type: 'send', id: senderId }, letter);
    const signal = keys.ofWorkflow({ id }, letter);
    const result = keys.ofWorkflow({ type: 'mailbox', id, runId: receiver.firstExecutionRunId }, [letter]);
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

  it('when it is a query: its argument, and its answer under the run', async () => {
    const { taskQueue, client, createWorker, keys, storedKeys, traffic } = setScene();
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

    const argument = keys.ofWorkflow({ id }, question);
    const answer = keys.ofWorkflow({ type: 'mailbox', id, runId: handle.firstExecutionRunId }, `${question}, answered`);
    expect(answers).toEqual([['queryResult', answer]]);
    expect(findReferences(await handle.fetchHistory())).toEqual([]);
    // The worker read the argument, and the client the answer.
    expect(traffic.reads).toEqual([argument, answer]);
    await expect(storedKeys()).resolves.toEqual(new Set([argument, answer]));
  });

  it('when it is an update: its argument, and its result under the run', async () => {
    const { taskQueue, client, createWorker, keys, storedKeys } = setScene();
    const id = randomUUID();
    const letter = createLargeText('letter');

    const worker = await createWorker();
    const handle = await client.workflow.start(mailbox, { workflowId: id, taskQueue });
    await worker.runUntil(async () => {
      await expect(handle.executeUpdate(exchange, { args: [letter] })).resolves.toBe(`${letter}, exchanged`);
      await handle.signal(close);
      await handle.result();
    });

    const argument = keys.ofWorkflow({ id }, letter);
    const result = keys.ofWorkflow({ type: 'mailbox', id, runId: handle.firstExecutionRunId }, `${letter}, exchanged`);
    expect(findReferences(await handle.fetchHistory())).toEqual([
      ['workflowExecutionUpdateAccepted.acceptedRequest.input.args', argument],
      ['workflowExecutionUpdateCompleted.outcome.success', result],
    ]);
    await expect(storedKeys()).resolves.toEqual(new Set([argument, result]));
  });

  it('when it is an update that starts the workflow', async () => {
    const { taskQueue, client, createWorker, keys, storedKeys } = setScene();
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
    const start = keys.ofWorkflow({ type: 'mailbox', id }, input);
    const argument = keys.ofWorkflow({ type: 'mailbox', id }, letter);
    const updateResult = keys.ofWorkflow(run, `${letter}, exchanged`);
    const result = keys.ofWorkflow(run, [input]);
    expect(findReferences(await handle.fetchHistory())).toEqual([
      ['workflowExecutionStarted.input', start],
      ['workflowExecutionUpdateAccepted.acceptedRequest.input.args', argument],
      ['workflowExecutionUpdateCompleted.outcome.success', updateResult],
      ['workflowExecutionCompleted.result', result],
    ]);
    await expect(storedKeys()).resolves.toEqual(new Set([start, argument, updateResult, result]));
  });
});
