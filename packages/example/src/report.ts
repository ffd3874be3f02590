import type { RegionSummary } from './activities';
import { removeCredentials, type DemoOptions } from './options';
import type { HistorySize } from './pipeline';
import type { RedisContents } from './redis-contents';
import type { Servers } from './servers';

/** What is to be compared of a run. */
export interface RunReport {
  outcome: string;
  ms: number;
  history: HistorySize;
  redis: RedisContents;
}

export function formatIntroduction({ size }: DemoOptions, { redisUrl, temporal }: Servers): string {
  return [
    `${size} MB of orders`,
    formatParagraph(
      'A workflow fetches them page by page, and a child workflow for each region enriches them and adds them up. ' +
        `Temporal is at ${temporal.address}, Redis at ${removeCredentials(redisUrl)}.`,
    ),
  ].join('\n');
}

/** How to look at the servers that the demo started, and only at those. */
export function formatNextSteps(options: DemoOptions, { redisUrl, temporal }: Servers, keyPrefix: string): string {
  const { address, namespace } = temporal;
  return [
    'Up until Ctrl-C, to look around:',
    ...(options.redisUrl === undefined ? [`  redis-cli -u ${redisUrl} --scan --pattern '${keyPrefix}:*'`] : []),
    ...(options.temporalAddress === undefined
      ? [`  temporal workflow list --address ${address} --namespace ${namespace}`]
      : []),
  ].join('\n');
}

/** The results, a line for each region. */
export function formatSummaryTable(summaries: RegionSummary[]): string {
  return formatTable([
    ['Region', 'Orders', 'Items', 'Net €', 'Tax €', 'Weight'],
    ...summaries.map(({ region, orders, items, netCents, taxCents, grams }) => [
      region,
      formatCount(orders),
      formatCount(items),
      formatCount(Math.round(netCents / 100)),
      formatCount(Math.round(taxCents / 100)),
      `${formatCount(Math.round(grams / 1_000_000))} t`,
    ]),
  ]);
}

/** What each run left behind, side by side. */
export function formatComparisonTable(without: RunReport, withStorage: RunReport): string {
  const row = (title: string, value: (report: RunReport) => string): string[] => [
    title,
    value(without),
    value(withStorage),
  ];
  return formatTable([
    ['', 'without', 'with'],
    row('Workflow', ({ outcome }) => outcome),
    row('Time', ({ ms }) => formatDuration(ms)),
    row('Event History', ({ history }) => formatBytes(history.bytes)),
    row('  events', ({ history }) => formatCount(history.events)),
    row('Redis', ({ redis }) => formatBytes(redis.bytes)),
    row('  keys', ({ redis }) => formatCount(redis.keys)),
    row('  expire in', ({ redis }) => (redis.keys > 0 ? formatDuration(redis.longestTtl) : '-')),
  ]);
}

/** Rows of cells as aligned and indented lines: the first column to the left, the others to the right. */
function formatTable(rows: string[][]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))))
    .map((cells) => `  ${cells.join('   ')}`)
    .join('\n');
}

function formatCount(value: number): string {
  return value.toLocaleString('en-US');
}

export function formatBytes(value: number): string {
  if (value >= 999_950) return `${(value / 1_000_000).toFixed(1)} MB`;
  if (value >= 1000) return `${(value / 1000).toFixed(1)} kB`;
  return `${value} B`;
}

export function formatDuration(ms: number): string {
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** Indented and broken into lines, for a terminal of 80 columns. */
export function formatParagraph(text: string): string {
  return text.replace(/(.{1,76})(?: +|$)/g, '  $1\n').trimEnd();
}
