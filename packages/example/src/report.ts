import type { RegionSummary } from './activities';
import { removeCredentials, type DemoOptions } from './options';
import type { HistorySize } from './pipeline';
import type { RedisContents } from './redis-contents';
import type { Servers } from './servers';

/** The measurements of one run. */
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

/** Formats commands for inspecting the servers that the demo started. */
export function formatNextSteps(
  options: DemoOptions,
  { redisUrl, temporal, webUi }: Servers,
  { keyPrefix, runId }: { keyPrefix: string; runId: string },
): string {
  const { address, namespace } = temporal;
  return [
    'The servers run until Ctrl-C. To look around:',
    ...(options.redisUrl === undefined ? [`  redis-cli -u ${redisUrl} --scan --pattern '${keyPrefix}:*'`] : []),
    ...(options.temporalAddress === undefined
      ? [`  temporal workflow list --address ${address} --namespace ${namespace}`]
      : []),
    ...(webUi === undefined
      ? []
      : [
          '  Click on the size beside the input to download that from Redis:',
          `  ${webUi.url}/namespaces/${namespace}/workflows/orders-${runId}`,
        ]),
  ].join('\n');
}

/** Formats the results with one row per region. */
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

/** Formats the measurements of both runs side by side. */
export function formatComparisonTable(without: RunReport, withStorage: RunReport): string {
  const formatRow = (title: string, value: (report: RunReport) => string): string[] => [
    title,
    value(without),
    value(withStorage),
  ];
  return formatTable([
    ['', 'without', 'with'],
    formatRow('Workflow', ({ outcome }) => outcome),
    formatRow('Time', ({ ms }) => formatDuration(ms)),
    formatRow('Event History', ({ history }) => formatBytes(history.bytes)),
    formatRow('  events', ({ history }) => formatCount(history.events)),
    formatRow('Redis', ({ redis }) => formatBytes(redis.bytes)),
    formatRow('  keys', ({ redis }) => formatCount(redis.keys)),
    formatRow('  expire in', ({ redis }) => (redis.keys > 0 ? formatDuration(redis.longestTtl) : '-')),
  ]);
}

/** Formats rows as indented lines, with the first column aligned left and the others aligned right. */
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

/** Indents a text and wraps it at 80 columns. */
export function formatParagraph(text: string): string {
  return text.replace(/(.{1,76})(?: +|$)/g, '  $1\n').trimEnd();
}
