import { isDeepStrictEqual } from 'node:util';
import type { RegionSummary } from './activities';
import { DemoError } from './errors';
import { createOrders, type Page, type Product } from './orders';
import type { RunReport } from './report';

/** What the pipeline must come to, straight from the seed: no activity, no workflow, no payload in between. */
export function expectedSummaries(pages: Page[], catalogue: Product[]): RegionSummary[] {
  const products = new Map(catalogue.map((product) => [product.sku, product]));
  const summaries = new Map<string, RegionSummary>();
  for (const { region, lines } of pages.flatMap(createOrders)) {
    const sum = summaries.get(region) ?? { region, orders: 0, items: 0, netCents: 0, taxCents: 0, grams: 0 };
    summaries.set(region, sum);
    sum.orders += 1;
    for (const { sku, quantity } of lines) {
      const { cents, taxPercent, grams } = products.get(sku)!;
      sum.items += quantity;
      sum.netCents += quantity * cents;
      sum.taxCents += Math.round((quantity * cents * taxPercent) / 100);
      sum.grams += quantity * grams;
    }
  }
  return [...summaries.values()].toSorted((a, b) => (a.region < b.region ? -1 : 1));
}

/** @throws DemoError unless the summaries are those that the seed gives */
export function checkSummaries(actual: RegionSummary[], expected: RegionSummary[]): void {
  if (!isDeepStrictEqual(actual, expected)) {
    throw new DemoError(
      `The totals are wrong.\n  expected ${JSON.stringify(expected)}\n  got      ${JSON.stringify(actual)}`,
    );
  }
}

/** @throws DemoError unless the batch went to Redis, is to expire within `ttlMs`, and hardly weighs in Event History */
export function checkReport({ history, redis }: RunReport, batch: { bytes: number; ttlMs: number }): void {
  if (redis.bytes < batch.bytes) {
    throw new DemoError(`Redis holds ${redis.bytes} bytes of a batch of ${batch.bytes}`);
  }
  if (redis.shortestTtl <= 0 || redis.longestTtl > batch.ttlMs) {
    throw new DemoError(
      `Keys live for ${redis.shortestTtl} to ${redis.longestTtl} ms, where ${batch.ttlMs} ms at most were asked for`,
    );
  }
  if (history.bytes > redis.bytes / 10) {
    throw new DemoError(`Event History holds ${history.bytes} bytes, where references were to be expected`);
  }
}
