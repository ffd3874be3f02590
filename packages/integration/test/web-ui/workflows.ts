import { workflowInfo } from '@temporalio/workflow';

/** Returns what it was given, under another name. */
export async function shipOrder(order: { note: string }): Promise<{ shipped: string; by: string }> {
  return { shipped: order.note, by: workflowInfo().workflowType };
}
