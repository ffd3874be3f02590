import { enrichOrders, fetchOrders, summariseOrders } from '../src/activities';
import { checkReport, checkSummaries, computeExpectedSummaries } from '../src/checks';
import { DemoError } from '../src/errors';
import { createCatalogue, createPages } from '../src/orders';
import type { RunReport } from '../src/report';

const catalogue = createCatalogue('a seed');
const pages = createPages('a seed', 4).map((page) => ({ ...page, bytes: 50_000 }));

describe('the check of the totals', () => {
  it('expects the totals that the activities compute', async () => {
    const orders = (await Promise.all(pages.map(fetchOrders))).flat();
    const enriched = await enrichOrders(orders, catalogue);
    const regions = [...new Set(orders.map(({ region }) => region))].toSorted();
    const summaries = await Promise.all(
      regions.map((region) =>
        summariseOrders(
          region,
          enriched.filter((order) => order.region === region),
        ),
      ),
    );
    expect(computeExpectedSummaries(pages, catalogue)).toEqual(summaries);
  });

  it('rejects a result that is off by one cent or lacks a region', () => {
    const expected = computeExpectedSummaries(pages, catalogue);
    const [first, ...rest] = expected;
    const actual = [{ ...first!, netCents: first!.netCents + 1 }, ...rest];
    expect(() => checkSummaries(actual, expected)).toThrow(DemoError);
    expect(() => checkSummaries(rest, expected)).toThrow(DemoError);
    expect(() => checkSummaries([{ ...first! }, ...rest], expected)).not.toThrow();
  });
});

describe('checkReport', () => {
  const batch = { bytes: 3_000_000, ttlMs: 3_600_000 };
  const report: RunReport = {
    outcome: 'completed',
    ms: 1000,
    history: { events: 140, bytes: 45_000 },
    redis: { keys: 32, bytes: 18_400_000, shortestTtl: 3_599_000, longestTtl: 3_600_000 },
  };

  it('accepts a batch in Redis with a TTL and a small Event History', () => {
    expect(() => checkReport(report, batch)).not.toThrow();
  });

  it.each([
    ['less than the batch in Redis', { ...report, redis: { ...report.redis, bytes: 2_999_999 } }],
    ['a key that never expires', { ...report, redis: { ...report.redis, shortestTtl: -1 } }],
    ['a key that lives too long', { ...report, redis: { ...report.redis, longestTtl: 3_600_001 } }],
    ['payloads in Event History', { ...report, history: { ...report.history, bytes: 3_000_000 } }],
  ])('rejects %s', (_title, wrong) => {
    expect(() => checkReport(wrong, batch)).toThrow(DemoError);
  });
});
