import {
  ApplicationFailure,
  condition,
  continueAsNew,
  defineSignal,
  executeChild,
  proxyActivities,
  setHandler,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';

/** Each test brings its own implementation. */
export interface Activities {
  work(input: string): Promise<string>;
}

const { work } = proxyActivities<Activities>({ startToCloseTimeout: '1 minute', retry: { initialInterval: '1 hour' } });

export const finish = defineSignal<[string]>('finish');

/** Passes large payloads on every path that the tests look at. */
export async function perform(input: string): Promise<string> {
  let last: string | undefined;
  setHandler(finish, (letter) => void (last = letter));
  const { note } = workflowInfo().memo as { note?: string };
  if (note !== undefined) upsertMemo({ note: `${note}, revised` });
  const result = await work(`${input}, to be worked on`);
  await condition(() => last !== undefined);
  return `${result}, ${last}`;
}

export async function failWithDetails(details: string): Promise<void> {
  throw ApplicationFailure.create({ message: 'on purpose', nonRetryable: true, details: [details] });
}

export async function continueOnce(input: string, continued = false): Promise<string> {
  if (!continued) await continueAsNew<typeof continueOnce>(input, true);
  return `${input}, continued`;
}

/** Has a child that fails, and one that continues as new. */
export async function haveChildren(input: string): Promise<void> {
  const { workflowId } = workflowInfo();
  const failing = executeChild(failWithDetails, { workflowId: `${workflowId}-failing`, args: [input] });
  await failing.catch(() => {});
  await executeChild(continueOnce, { workflowId: `${workflowId}-continuing`, args: [input] });
}
