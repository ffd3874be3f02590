import {
  ActivityFailure,
  ApplicationFailure,
  condition,
  continueAsNew,
  createNexusServiceClient,
  defineQuery,
  defineSignal,
  defineUpdate,
  executeChild,
  getExternalWorkflowHandle,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  upsertMemo,
  workflowInfo,
  type ActivityOptions,
} from '@temporalio/workflow';
import { echoService } from './nexus-service';

/** Each test provides its own implementation. */
export interface Activities {
  work(input: string): Promise<string>;
}

const activityOptions = {
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '200 ms', backoffCoefficient: 1 },
} as const;
const { work } = proxyActivities<Activities>(activityOptions);
const { work: workLocally } = proxyLocalActivities<Activities>(activityOptions);

export async function echo(input: string): Promise<string> {
  return `${input}, echoed`;
}

export async function echoBytes(input: Uint8Array): Promise<Uint8Array> {
  return input;
}

export async function fail(details: string): Promise<void> {
  throw ApplicationFailure.create({ message: 'on purpose', nonRetryable: true, details: [details] });
}

export async function perform(input: string): Promise<string> {
  return work(input);
}

/** Returns the result of a local activity, padded to a length. */
export async function performLocally(input: string, length = 0): Promise<string> {
  return (await workLocally(input)).padEnd(length);
}

/** Performs an activity with its own options. */
export async function performWith(options: ActivityOptions, input: string): Promise<string> {
  return proxyActivities<Activities>({ ...activityOptions, ...options }).work(input);
}

/** Ends with a large result, or with a failure that has large details. The same text is never stored for two runs. */
export async function report(outcome: 'result' | 'failure', length: number): Promise<string> {
  const text = workflowInfo().runId.padEnd(length, '.');
  if (outcome === 'failure') throw ApplicationFailure.nonRetryable('on purpose', 'OnPurpose', text);
  return text;
}

/** Runs several activities in sequence. Each starts in a separate workflow task. */
export async function performInSteps(input: string, steps: number): Promise<string> {
  let value = input;
  for (let step = 1; step <= steps; step++) value = await work(`${value}, step ${step}`);
  return value;
}

/** Creates the large input of its activity itself. */
export async function performOnLarge(word: string, times: number): Promise<string> {
  return work(word.repeat(times));
}

/** Returns the details of the activity's failure. */
export async function performAndCatch(input: string): Promise<unknown> {
  try {
    return await work(input);
  } catch (error) {
    if (error instanceof ActivityFailure && error.cause instanceof ApplicationFailure) return error.cause.details?.[0];
    throw error;
  }
}

export async function parent(input: string): Promise<string> {
  const result = await executeChild(echo, { workflowId: `${workflowInfo().workflowId}-child`, args: [input] });
  return `${result}, received by the parent`;
}

export async function relay(input: string, runs: number): Promise<string> {
  if (runs > 1) await continueAsNew<typeof relay>(`${input}, relayed`, runs - 1);
  return input;
}

/** Updates its memo, and returns the original one. */
export async function reviseMemo(): Promise<string> {
  const { note } = workflowInfo().memo as { note: string };
  upsertMemo({ note: `${note}, revised` });
  return note;
}

export const put = defineSignal<[string]>('put');
export const close = defineSignal('close');
export const ask = defineQuery<string, [string]>('ask');
export const exchange = defineUpdate<string, [string]>('exchange');

/** Returns its input and the letters that it received until it was closed. */
export async function mailbox(...letters: string[]): Promise<string[]> {
  let closed = false;
  setHandler(put, (letter) => void letters.push(letter));
  setHandler(close, () => void (closed = true));
  setHandler(ask, (question) => `${question}, answered`);
  setHandler(exchange, (letter) => `${letter}, exchanged`);
  await condition(() => closed);
  return letters;
}

export async function send(mailboxId: string, letter: string): Promise<void> {
  await getExternalWorkflowHandle(mailboxId).signal(put, letter);
}

export async function callNexus(endpoint: string, operation: 'now' | 'later', input: string): Promise<string> {
  return createNexusServiceClient({ endpoint, service: echoService }).executeOperation(operation, input);
}
