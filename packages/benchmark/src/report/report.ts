import { getCost, type Costs } from '../measure/compare';
import { countBytes, MIB, formatLoad } from '../measure/loads';
import { formatTable } from './markdown';
import { BYTES_IN_FLIGHT_LOADS } from '../measure/bytes-in-flight';
import { COUNTS, SIZES } from '../measure/growth';
import { formatCommands } from './commands-report';
import { formatGrowth } from './growth-report';
import type { Measured, Results } from './results';
import { judgeTargets } from './targets';
import { WORKFLOW_LOADS } from '../workflow/workflow-load';

const OPERATIONS = ['store', 'retrieve'] as const;

const RAW_COMMANDS =
  "'Raw' is the library's own `SET … NX` or `GET` with encoded bytes. 'Raw socket' writes the same commands to a `net.Socket`.";
const BASELINES: Record<string, string> = {
  'node-redis': RAW_COMMANDS,
  ioredis: RAW_COMMANDS,
  Upstash:
    "Requests go to the endpoint of `packages/testing`, which accepts up to 10 MiB per request. 'Raw' is a `fetch` of `SETNX` or " +
    '`GET` with encoded bytes.',
};

const HEADER = ['', 'wall, ms', 'CPU, ms', 'longest stall, ms', 'extra memory, MiB'];

/** Formats the results as a Markdown page. */
export function formatReport(results: Results): string {
  const { machine, rounds, drivers, libraries, bytesInFlight, workflows, growth, commands, nextSdk, diagnostics } =
    results;
  return [
    '# Results',
    `\`npx pnpm@12 bench ${rounds}\` writes this page and \`results.json\` in about half an hour. It needs Node and, unless ` +
      'a Temporal server is provided (see [testing](../testing/README.md)), Go. The figures are medians of ' +
      `${rounds} rounds in which the variants of a table take turns; each time is the mean of a series of calls. The ratios ` +
      'in parentheses compare with the last row of the same load. All servers run on the same machine, in separate ' +
      'processes, and are reached over loopback; Redis has no persistence. The longest stall is the longest time for ' +
      'which a 1 ms timer on the same event loop did not run. Extra memory is the peak size of all buffers minus their ' +
      'size before the call.',
    `Measured on ${machine.cpu}, ${machine.cores} cores, ${machine.memory}; Node ${machine.node}, Redis ${machine.redis}.`,
    '![Longest stall of the event loop while storing](stall.svg)',
    '## Targets',
    formatTable(
      ['', 'target (maximum)', 'worst measurement', 'load', 'met'],
      judgeTargets(results).map(({ title, target, worst, load, unit }) => [
        title,
        `${target} ${unit}`.trim(),
        `${worst.toFixed(2)} ${unit}`.trim(),
        load,
        worst <= target ? 'yes' : 'no',
      ]),
    ),
    '## The drivers alone',
    'Both drivers, this one and `@temporalio/external-storage-s3`, use clients that do nothing. This one uses memory again, ' +
      'as its client says that it may, and in another row with a client that does not. Whenever a call yields, V8 may collect garbage. In a heap as small as this one, it does so after every 7 to 20 MiB of new ' +
      'buffers, and blocks the event loop for about 5 ms each time. A call that never yields postpones this to its end.',
    ...formatComparisons(drivers, 'S3 driver'),
    ...Object.entries(libraries).flatMap(([library, measured]) => [
      `## Over ${library}`,
      `${BASELINES[library]} The S3 driver uses a client that makes the same calls.`,
      ...formatComparisons(measured, 'raw'),
    ]),
    '## As the next SDK calls',
    'SDKs after 1.24 make a call for each payload, 8 of one message and 64 in all at once. Over node-redis.',
    ...formatComparisons(nextSdk, 'one call'),
    '## Diagnostics',
    'What the trace of one payload takes, apart from the payload, in microseconds.',
    formatTable(
      ['', 'µs'],
      [
        ['no trace', diagnostics.untraced.toFixed(2)],
        ['nobody listens', diagnostics.unheard.toFixed(2)],
        ['a subscriber listens', diagnostics.heard.toFixed(2)],
      ],
    ),
    '## Bytes in flight',
    'The peak size of all buffers during a store, through a client that takes half a second per request: with the default ' +
      '`maxBytesInFlight`, and without a limit. Buffers that are not garbage-collected yet count too.',
    formatTable(
      ['', 'default limit, MiB', 'no limit, MiB'],
      BYTES_IN_FLIGHT_LOADS.map((load) => {
        const { bounded, unbounded } = bytesInFlight[formatLoad(load)] ?? {};
        return [
          formatLoad(load),
          ...[bounded, unbounded].map((bytes) => (bytes === undefined ? '' : (bytes / MIB).toFixed(0))),
        ];
      }),
    ),
    '## A whole workflow',
    'One workflow runs on a real Temporal server. Half of its payloads are arguments of activities, the other half their ' +
      'results, and all belong to one history. The figures describe the process of the worker, which includes the client; ' +
      'memory is the resident set size. The S3 driver uses the AWS SDK and an `s3rver`, which keeps objects in files. ' +
      'Without external storage, Temporal limits a history to 50 MB and the commands of a workflow task to 4 MB. That load ' +
      'therefore has 48 payloads and runs 2 activities at a time; the other load runs 10.',
    '![Longest stall of the worker in a whole workflow](workflow.svg)',
    formatTable(
      HEADER,
      WORKFLOW_LOADS.flatMap((load) =>
        formatRows(formatLoad(load), workflows[formatLoad(load)] ?? {}, load.storages.at(-1) ?? ''),
      ),
    ),
    '## As the work grows',
    'These calls use node-redis. A line is fitted to the times of each operation by least squares of the relative errors. ' +
      "Where the cost per MiB, or per payload, is constant, the figures in the 'relative to the fit' column are near 1.",
    ...formatGrowth(SIZES, growth.sizes, 'MiB', (load) => countBytes(load) / MIB),
    ...formatGrowth(COUNTS, growth.counts, 'payload', ({ count }) => count),
    '## The command line',
    'Each command runs once, in a process of its own, which is all that its CPU time and its memory (the peak resident set ' +
      'size) are of; `npx pnpm@12 bench commands` measures this table alone. Redis holds nothing but the keys, all of which ' +
      'expire within five days. Half of the workflows are open, and Temporal has forgotten the other half. `renew` sends ten ' +
      'requests a second to Temporal at most, its default. Beside it another client reads one key again and again: its ' +
      'longest wait for a reply is the pause. The pause without a command is that of the same client, for as long.',
    formatCommands(commands),
    '',
  ].join('\n\n');
}

function formatComparisons(measured: Measured, reference: string): string[] {
  return OPERATIONS.flatMap((operation) => [
    `### ${operation === 'store' ? 'Store' : 'Retrieve'}`,
    formatTable(
      HEADER,
      Object.entries(measured).flatMap(([load, costs]) => formatRows(load, costs[operation], reference)),
    ),
  ]);
}

function formatRows(load: string, costs: Costs, reference: string): string[][] {
  const baseCost = getCost(costs, reference);
  const names = Object.keys(costs).toSorted((a, b) => Number(a === reference) - Number(b === reference));
  return names.map((name) => {
    const cost = getCost(costs, name);
    const formatCell = (value: number, base: number): string =>
      name === reference || base < 0.05 ? value.toFixed(1) : `${value.toFixed(1)} (${(value / base).toFixed(2)})`;
    return [
      `${load}, ${name}`,
      formatCell(cost.wallMs, baseCost.wallMs),
      formatCell(cost.cpuMs, baseCost.cpuMs),
      formatCell(cost.stallMs, baseCost.stallMs),
      formatCell(cost.memory / MIB, baseCost.memory / MIB),
    ];
  });
}
