import { isDeepStrictEqual } from 'node:util';
import type { RegionSummary } from './activities';
import { DemoError } from './errors';
import { createOrders, type Page, type Product } from './orders';
import type { RunReport } from './report';

/** Computes the pipeline's expected result from the orders, without activities, workflows or payloads. */
export function computeExpectedSummaries(pages: Page[], catalogue: Product[]): RegionSummary[] {
  const products = new Map(catalogue.map((product) => [product.sku, product]));
  const summaries = new Map<string, RegionSummary>();
  for (const { region, lines } of pages.flatMap(createOrders)) {
    const summary = summaries.get(region) ?? { region, orders: 0, items: 0, netCents: 0, taxCents: 0, grams: 0 };
    summaries.set(region, summary);
    summary.orders += 1;
    for (const { sku, quantity } of lines) {
      const { cents, taxPercent, grams } = products.get(sku)!;
      summary.items += quantity;
      summary.netCents += quantity * cents;
      summary.taxCents += Math.round((quantity * cents * taxPercent) / 100);
      summary.grams += quantity * grams;
    }
  }
  return [...summaries.values()].toSorted((a, b) => (a.region < b.region ? -1 : 1));
}

/** @throws DemoError if the summaries differ */
export function checkSummaries(actual: RegionSummary[], expected: RegionSummary[]): void {
  if (!isDeepStrictEqual(actual, expected)) {
    throw new DemoError(
      `The totals are wrong.\n  expected ${JSON.stringify(expected)}\n  got      ${JSON.stringify(actual)}`,
    );
  }
}

/** @throws DemoError unless the batch is in Redis, expires within `ttlMs`, and takes little space in Event History */
export function checkReport({ history, redis }: RunReport, batch: { bytes: number; ttlMs: number }): void {
  if (redis.bytes < batch.bytes) {
    throw new DemoError(`Redis has ${redis.bytes} bytes, expected at least the ${batch.bytes} of the batch`);
  }
  if (redis.shortestTtl <= 0 || redis.longestTtl > batch.ttlMs) {
    throw new DemoError(
      `The keys have TTLs of ${redis.shortestTtl} to ${redis.longestTtl} ms, expected 1 to ${batch.ttlMs} ms`,
    );
  }
  if (history.bytes > redis.bytes / 10) {
    throw new DemoError(`Event History has ${history.bytes} bytes, expected only references`);
  }
}
