import { condition, defineQuery, defineSignal, proxyActivities, setHandler } from '@temporalio/workflow';
import type * as activities from './activities';

const { reverse } = proxyActivities<typeof activities>({ startToCloseTimeout: '1 minute' });

export const addition = defineSignal<[string]>('addition');
export const isWaiting = defineQuery<boolean>('isWaiting');

/** Reverses its input in an activity, waits for an addition, and reverses all of it again. */
export async function reverseTwice(input: string): Promise<string> {
  let added: string | undefined;
  let waiting = false;
  setHandler(addition, (text) => void (added = text));
  setHandler(isWaiting, () => waiting);
  const reversed = await reverse(input);
  waiting = true;
  await condition(() => added !== undefined);
  return reverse(reversed + added);
}
