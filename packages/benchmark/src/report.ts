import type { Costs } from './compare';
import { bytesOf, MIB, nameOf, type Load } from './loads';
import { COUNTS, SIZES } from './growth';
import type { Measured, Results } from './results';
import { verdictsOf } from './targets';

const HEADER = ['', 'wall, ms', 'CPU, ms', 'longest stall, ms', 'extra memory, MiB'];

/** The results as a page of Markdown. */
export function reportOf(results: Results): string {
  const { machine, rounds, drivers, libraries, growth } = results;
  return [
    '# Results',
    `Written by \`npx pnpm@12 bench\`. Medians of ${rounds} rounds, the variants of a table taking turns; ratios to the ` +
      'last line of each load are in brackets. Redis is on the same machine, over loopback, without persistence. ' +
      'The longest stall is the longest time for which a 1 ms timer on the same event loop was not served; extra memory ' +
      'is what buffers held beyond what they held before, at most.',
    `Measured on ${machine.cpu}, ${machine.cores} cores, ${machine.memory}; Node ${machine.node}, Redis ${machine.redis}.`,
    '![Longest stall of the event loop while storing](stall.svg)',
    '## Targets',
    table(
      ['', 'target, at most', 'measured, worst load', 'load', 'met'],
      verdictsOf(results).map(({ what, target, worst, load, unit }) => [
        what,
        `${target} ${unit}`.trim(),
        `${worst.toFixed(2)} ${unit}`.trim(),
        load,
        worst <= target ? 'yes' : 'no',
      ]),
    ),
    '## The drivers alone',
    'Over a client that does nothing, against `@temporalio/external-storage-s3` over another. A call that yields to the ' +
      'event loop also waits for what that has to do meanwhile, the garbage collection of earlier calls included; one that ' +
      'keeps it to itself leaves that to whoever comes next.',
    ...comparisons(drivers, 'S3 driver'),
    ...Object.entries(libraries).flatMap(([library, measured]) => [
      `## Over ${library}`,
      "Raw is the library's own `SET … NX` or `GET` with ready-made bytes. The S3 driver is given a client that calls the same library.",
      ...comparisons(measured, 'raw'),
    ]),
    '## As the work grows',
    'Over node-redis. A straight line has the same figures per MiB, or per payload, all the way down.',
    growthTable(SIZES, growth.sizes, 'per MiB', (load) => bytesOf(load) / MIB),
    growthTable(COUNTS, growth.counts, 'per payload', ({ count }) => count),
    '',
  ].join('\n\n');
}

function comparisons(measured: Measured, reference: string): string[] {
  return (['store', 'retrieve'] as const).flatMap((operation) => [
    `### ${operation === 'store' ? 'Store' : 'Retrieve'}`,
    table(
      HEADER,
      Object.entries(measured).flatMap(([load, costs]) => rowsOf(load, costs[operation], reference)),
    ),
  ]);
}

function rowsOf(load: string, costs: Costs, reference: string): string[][] {
  const base = costs[reference];
  const names = Object.keys(costs).toSorted((a, b) => Number(a === reference) - Number(b === reference));
  return names.map((name) => {
    const cost = costs[name];
    if (cost === undefined || base === undefined) throw new Error(`Nothing was measured for ${name} or ${reference}`);
    const cell = (value: number, to: number): string =>
      name === reference || to <= 0 ? value.toFixed(1) : `${value.toFixed(1)} (${(value / to).toFixed(2)})`;
    return [
      `${load}, ${name}`,
      cell(cost.wallMs, base.wallMs),
      cell(cost.cpuMs, base.cpuMs),
      cell(cost.stallMs, base.stallMs),
      cell(cost.memory / MIB, base.memory / MIB),
    ];
  });
}

function growthTable(
  loads: Load[],
  costs: Record<string, Costs>,
  unit: string,
  unitsOf: (load: Load) => number,
): string {
  return table(
    ['', 'store, ms', unit, 'retrieve, ms', unit, 'extra memory of the store, MiB'],
    loads.map((load) => {
      const { store, retrieve } = costs[nameOf(load)] ?? {};
      if (store === undefined || retrieve === undefined) throw new Error(`Nothing was measured for ${nameOf(load)}`);
      const units = unitsOf(load);
      return [
        nameOf(load),
        store.wallMs.toFixed(1),
        (store.wallMs / units).toFixed(2),
        retrieve.wallMs.toFixed(1),
        (retrieve.wallMs / units).toFixed(2),
        (store.memory / MIB).toFixed(1),
      ];
    }),
  );
}

function table(header: string[], rows: string[][]): string {
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

function line(cells: string[]): string {
  return `| ${cells.join(' | ')} |`;
}
