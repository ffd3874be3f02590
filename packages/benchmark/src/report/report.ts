import { toCost, type Costs } from '../measure/compare';
import { countBytes, MIB, formatLoad } from '../measure/loads';
import { formatTable } from './markdown';
import { BYTES_IN_FLIGHT_LOADS } from '../measure/bytes-in-flight';
import { COUNTS, SIZES } from '../measure/growth';
import { formatGrowth } from './growth-report';
import type { Measured, Results } from './results';
import { judgeTargets } from './targets';
import { WORKFLOW_LOADS } from '../workflow/workflow-load';

const OPERATIONS = ['store', 'retrieve'] as const;

const BY_HAND =
  "Raw is the library's own `SET … NX` or `GET` with ready-made bytes, raw socket the same written to a bare `net.Socket`.";
const RAW: Record<string, string> = {
  'node-redis': BY_HAND,
  ioredis: BY_HAND,
  Upstash:
    'To the endpoint of `packages/testing`, which takes 10 MiB in a request. Raw is `fetch` of `SETNX` or `GET` with ' +
    'ready-made bytes.',
};

const HEADER = ['', 'wall, ms', 'CPU, ms', 'longest stall, ms', 'extra memory, MiB'];

/** The results as a page of Markdown. */
export function formatReport(results: Results): string {
  const { machine, rounds, drivers, libraries, gate, workflows, growth } = results;
  return [
    '# Results',
    `Written by \`npx pnpm@12 bench ${rounds}\`, which needs nothing but Node and, unless a Temporal server is there (see ` +
      '[testing](../testing/README.md)), Go; it takes about half an hour, and writes `results.json` too. Medians of ' +
      `${rounds} rounds, the variants of a table taking turns; times are means of a series of calls. In brackets are ratios ` +
      'to the last line of each load. All ' +
      'servers are on the same machine, over loopback, in processes of their own; Redis has no persistence. ' +
      'The longest stall is the longest time for which a 1 ms timer on the same event loop was not served; extra memory ' +
      'is what buffers held beyond what they held before, at most.',
    `Measured on ${machine.cpu}, ${machine.cores} cores, ${machine.memory}; Node ${machine.node}, Redis ${machine.redis}.`,
    '![Longest stall of the event loop while storing](stall.svg)',
    '## Targets',
    formatTable(
      ['', 'target, at most', 'measured, worst load', 'load', 'met'],
      judgeTargets(results).map(({ what, target, worst, load, unit }) => [
        what,
        `${target} ${unit}`.trim(),
        `${worst.toFixed(2)} ${unit}`.trim(),
        load,
        worst <= target ? 'yes' : 'no',
      ]),
    ),
    '## The drivers alone',
    'Over a client that does nothing, against `@temporalio/external-storage-s3` over another. While a call yields, V8 collects: ' +
      'in a heap as small as this one after every 7 to 20 MiB of new buffers, for some 5 ms of the event loop each. A call ' +
      'that keeps the event loop to itself puts that off to its end.',
    ...formatComparisons(drivers, 'S3 driver'),
    ...Object.entries(libraries).flatMap(([library, measured]) => [
      `## Over ${library}`,
      `${RAW[library]} The S3 driver is given a client that makes the same calls.`,
      ...formatComparisons(measured, 'raw'),
    ]),
    '## Bytes in flight',
    'Buffers that a store holds at most, over a client that answers each request after half a second: within `maxBytesInFlight` as ' +
      'it is by default, and with no bound to speak of. (What a collection has yet to find counts too.)',
    formatTable(
      ['', 'bounded, MiB', 'unbounded, MiB'],
      BYTES_IN_FLIGHT_LOADS.map((load) => {
        const { bounded, unbounded } = gate[formatLoad(load)] ?? {};
        return [
          formatLoad(load),
          ...[bounded, unbounded].map((bytes) => (bytes === undefined ? '' : (bytes / MIB).toFixed(0))),
        ];
      }),
    ),
    '## A whole workflow',
    'On a real Temporal server: half of the payloads are arguments of activities, half their results, and all are in one ' +
      'history. The figures are of the worker, which has a process of its own with the client in it; memory is the resident ' +
      "set's. The S3 driver has the AWS SDK, and `s3rver` as its server, which keeps objects in files. Without external " +
      'storage Temporal takes 50 MB of history and 4 MB of commands at a time, so that it gets 48 payloads, 2 activities at ' +
      'a time; else 10 are.',
    '![Longest stall of the worker in a whole workflow](workflow.svg)',
    formatTable(
      HEADER,
      WORKFLOW_LOADS.flatMap((load) =>
        formatRows(formatLoad(load), workflows[formatLoad(load)] ?? {}, load.storages.at(-1) ?? ''),
      ),
    ),
    '## As the work grows',
    'Over node-redis. The line is the straight one that is nearest to the points, by the squares of their relative ' +
      'distances; what costs the same per MiB, or per payload, all the way has figures near 1 in its columns.',
    ...formatGrowth(SIZES, growth.sizes, 'MiB', (load) => countBytes(load) / MIB),
    ...formatGrowth(COUNTS, growth.counts, 'payload', ({ count }) => count),
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
  const base = toCost(costs, reference);
  const names = Object.keys(costs).toSorted((a, b) => Number(a === reference) - Number(b === reference));
  return names.map((name) => {
    const cost = toCost(costs, name);
    const cell = (value: number, to: number): string =>
      name === reference || to < 0.05 ? value.toFixed(1) : `${value.toFixed(1)} (${(value / to).toFixed(2)})`;
    return [
      `${load}, ${name}`,
      cell(cost.wallMs, base.wallMs),
      cell(cost.cpuMs, base.cpuMs),
      cell(cost.stallMs, base.stallMs),
      cell(cost.memory / MIB, base.memory / MIB),
    ];
  });
}
