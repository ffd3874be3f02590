import { randomUUID } from 'node:crypto';
import { startWorkflow, WorkflowRunOperationHandler } from '@temporalio/nexus';
import { serviceHandler } from 'nexus-rpc';
import { createLargeText, useServers, type Environment } from './harness';
import { echoService } from './nexus-service';
import { findReferences } from './references';
import { callNexus, echo } from './workflows';

const createEnvironment = useServers();

/** Creates an endpoint for the environment's task queue, which serves both callers and handlers. */
async function createEndpoint({ client, namespace, taskQueue }: Environment): Promise<string> {
  const name = `endpoint-${randomUUID()}`;
  await client.connection.operatorService.createNexusEndpoint({
    spec: { name, target: { worker: { namespace, taskQueue } } },
  });
  return name;
}

const createHandlers = (id: string) =>
  serviceHandler(echoService, {
    now: async (_context, input) => `${input}, answered`,
    later: new WorkflowRunOperationHandler<string, string>(async (context, input) =>
      startWorkflow(context, echo, { workflowId: `${id}-handler`, args: [input] }),
    ),
  });

describe('a Nexus operation', () => {
  it('stores its input under the caller, and a synchronous result without a target', async () => {
    const environment = createEnvironment();
    const { taskQueue, client, createWorker, keys, storedKeys } = environment;
    const endpoint = await createEndpoint(environment);
    const id = randomUUID();
    const input = createLargeText('input');

    const worker = await createWorker({ nexusServices: [createHandlers(id)] });
    const handle = await client.workflow.start(callNexus, {
      workflowId: id,
      taskQueue,
      args: [endpoint, 'now', input],
    });
    const result = await worker.runUntil(handle.result());
    expect(result).toBe(`${input}, answered`);

    const run = { type: 'callNexus', id, runId: handle.firstExecutionRunId };
    const workflowInput = keys.buildWorkflowKey({ type: 'callNexus', id }, input);
    const operationInput = keys.buildWorkflowKey(run, input);
    const operationResult = keys.buildKeyWithoutTarget(result);
    const workflowResult = keys.buildWorkflowKey(run, result);
    expect(findReferences(await handle.fetchHistory())).toEqual([
      ['workflowExecutionStarted.input', workflowInput],
      ['nexusOperationScheduled.input', operationInput],
      ['nexusOperationCompleted.result', operationResult],
      ['workflowExecutionCompleted.result', workflowResult],
    ]);
    await expect(storedKeys()).resolves.toEqual(
      new Set([workflowInput, operationInput, operationResult, workflowResult]),
    );
  });

  it('stores input and result under the workflow that handles it', async () => {
    const environment = createEnvironment();
    const { taskQueue, client, createWorker, keys, storedKeys } = environment;
    const endpoint = await createEndpoint(environment);
    const id = randomUUID();
    const handlerId = `${id}-handler`;
    const input = createLargeText('input');

    const worker = await createWorker({ nexusServices: [createHandlers(id)] });
    const handle = await client.workflow.start(callNexus, {
      workflowId: id,
      taskQueue,
      args: [endpoint, 'later', input],
    });
    const result = await worker.runUntil(handle.result());
    expect(result).toBe(`${input}, echoed`);

    const handler = client.workflow.getHandle(handlerId);
    const { runId } = await handler.describe();
    const run = { type: 'callNexus', id, runId: handle.firstExecutionRunId };
    const workflowInput = keys.buildWorkflowKey({ type: 'callNexus', id }, input);
    const operationInput = keys.buildWorkflowKey(run, input);
    const handlerInput = keys.buildWorkflowKey({ type: 'echo', id: handlerId }, input);
    const handlerResult = keys.buildWorkflowKey({ type: 'echo', id: handlerId, runId }, result);
    const workflowResult = keys.buildWorkflowKey(run, result);
    expect(findReferences(await handle.fetchHistory())).toEqual([
      ['workflowExecutionStarted.input', workflowInput],
      ['nexusOperationScheduled.input', operationInput],
      ['nexusOperationCompleted.result', handlerResult],
      ['workflowExecutionCompleted.result', workflowResult],
    ]);
    expect(findReferences(await handler.fetchHistory())).toEqual([
      ['workflowExecutionStarted.input', handlerInput],
      ['workflowExecutionCompleted.result', handlerResult],
    ]);
    await expect(storedKeys()).resolves.toEqual(
      new Set([workflowInput, operationInput, handlerInput, handlerResult, workflowResult]),
    );
  });
});
