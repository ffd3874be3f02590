import { proxyActivities } from '@temporalio/workflow';

export interface SoakActivities {
  /** Answers the bytes it got, backwards. */
  reverse(bytes: Uint8Array): Promise<Uint8Array>;
}

const { reverse } = proxyActivities<SoakActivities>({
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '100ms', maximumInterval: '1 second' },
});

/** Passes payloads of these sizes through activities, all at once. Answers how many bytes came back as they should. */
export async function mixed(sizes: number[]): Promise<number> {
  const answers = await Promise.all(sizes.map((size, index) => reverse(new Uint8Array(size).fill(index))));
  return answers.reduce((sum, { length, [0]: first }, index) => sum + (first === index ? length : 0), 0);
}
