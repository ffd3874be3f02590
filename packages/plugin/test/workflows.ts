import { proxyActivities } from '@temporalio/workflow';

const { repeat } = proxyActivities<{ repeat(text: string): Promise<string> }>({ startToCloseTimeout: '1 minute' });

/** Passes its input through an activity. */
export async function passOn(text: string): Promise<string> {
  return repeat(text);
}
