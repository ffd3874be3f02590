import { proxyActivities } from '@temporalio/workflow';
import type { Activities, WorkflowLoad } from './workflow-load';

const { replaceBytes } = proxyActivities<Activities>({
  startToCloseTimeout: '1 minute',
  retry: { maximumAttempts: 1 },
});

/** Sends payloads to activities, each of which takes one and returns one. Returns the total size of the results. */
export async function exchange({ count, size, concurrency }: WorkflowLoad): Promise<number> {
  let bytes = 0;
  for (let next = 0; next < count; next += 2 * concurrency) {
    const fills = Array.from({ length: concurrency }, (_, index) => next + 2 * index).filter((fill) => fill < count);
    const results = await Promise.all(fills.map((fill) => replaceBytes(new Uint8Array(size).fill(fill))));
    for (const { length } of results) bytes += length;
  }
  return bytes;
}
