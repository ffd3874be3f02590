import { proxyActivities } from '@temporalio/workflow';
import type { Activities, WorkflowLoad } from './workflow-load';

const { answer } = proxyActivities<Activities>({ startToCloseTimeout: '1 minute', retry: { maximumAttempts: 1 } });

/** Passes payloads to activities, each of which takes one and returns one. Answers how many bytes came back. */
export async function exchange({ count, size, atOnce }: WorkflowLoad): Promise<number> {
  let bytes = 0;
  for (let next = 0; next < count; next += 2 * atOnce) {
    const fills = Array.from({ length: atOnce }, (_, at) => next + 2 * at).filter((fill) => fill < count);
    const answers = await Promise.all(fills.map((fill) => answer(new Uint8Array(size).fill(fill))));
    for (const { length } of answers) bytes += length;
  }
  return bytes;
}
