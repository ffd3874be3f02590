import { executeChild, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type * as activities from './activities';
import type { RegionSummary } from './activities';
import type { Order, Page, Product } from './orders';

const { fetchOrders, enrichOrders, summariseOrders } = proxyActivities<typeof activities>({
  startToCloseTimeout: '1 minute',
  retry: {
    maximumAttempts: 3,
    // The SDK's error for a payload above Temporal's limit. Each attempt would return the same payload, so with the
    // default of unlimited attempts the workflow would neither fail nor make progress.
    nonRetryableErrorTypes: ['PayloadsTooLarge'],
  },
});

/** Fetches a batch page by page, then starts a child workflow for each region to process its orders. */
export async function processOrders(pages: Page[], catalogue: Product[]): Promise<RegionSummary[]> {
  const fetched = await Promise.all(pages.map((page) => fetchOrders(page)));
  const byRegion = new Map<string, Order[]>();
  for (const order of fetched.flat()) {
    const orders = byRegion.get(order.region);
    if (orders) orders.push(order);
    else byRegion.set(order.region, [order]);
  }
  return Promise.all(
    [...byRegion]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([region, orders]) =>
        executeChild(processRegion, {
          workflowId: `${workflowInfo().workflowId}-${region}`,
          args: [region, orders, catalogue],
        }),
      ),
  );
}

export async function processRegion(region: string, orders: Order[], catalogue: Product[]): Promise<RegionSummary> {
  return summariseOrders(region, await enrichOrders(orders, catalogue));
}
