import { proxyActivities } from '@temporalio/workflow';

export interface SoakActivities {
  /** Returns the bytes in reverse order. */
  reverse(bytes: Uint8Array): Promise<Uint8Array>;
}

const { reverse } = proxyActivities<SoakActivities>({
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '100ms', maximumInterval: '1 second' },
});

/** Sends payloads of these sizes to concurrent activities. Returns the total length of the correct results. */
export async function reverseMixedSizes(sizes: number[]): Promise<number> {
  const results = await Promise.all(sizes.map((size, index) => reverse(new Uint8Array(size).fill(index))));
  return results.reduce((sum, { length, [0]: first }, index) => sum + (first === index ? length : 0), 0);
}
