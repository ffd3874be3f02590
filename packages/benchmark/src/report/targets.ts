import { getCost, type Costs } from '../measure/compare';
import { fitLine } from '../measure/linear-fit';
import type { Results } from './results';

/** The outcome of comparing the results with one target. */
export interface Verdict {
  title: string;
  target: number;
  /** The highest measurement of all loads; a ratio if it has no `unit`. */
  worst: number;
  load: string;
  unit: '' | 'ms' | 's' | 'MB';
}

type ComputeValue = (costs: Costs) => number;

/** Compares the measured medians with the targets. */
export function judgeTargets({ drivers, libraries, growth, diagnostics, commands }: Results): Verdict[] {
  const inLarge = (measured: Results['drivers'], loads: string[]): [string, Costs][] =>
    pickFigures(measured, 'store', loads);
  const verdicts = [
    findWorst(
      'Null client that releases data, store, wall against the S3 driver',
      1,
      pickFigures(drivers, 'store'),
      computeRatio('wallMs', 'driver', 'S3 driver'),
    ),
    findWorst(
      'Null client, retrieve, wall against the S3 driver',
      1.1,
      pickFigures(drivers, 'retrieve'),
      computeRatio('wallMs', 'driver', 'S3 driver'),
    ),
  ];
  for (const [library, measured] of Object.entries(libraries)) {
    verdicts.push(
      findWorst(`${library}, longest stall of a store`, 15, pickFigures(measured, 'store'), readStall, 'ms'),
      findWorst(
        `${library}, store stall minus the stall of the raw call`,
        15,
        pickFigures(measured, 'store'),
        subtractRawStall,
        'ms',
      ),
    );
  }
  for (const [library, limit] of [
    ['node-redis', 2.2],
    ['ioredis', 1.1],
  ] as const) {
    const measured = libraries[library];
    verdicts.push(
      findWorst(
        `${library}, store, wall against raw SET`,
        limit,
        inLarge(measured, ['1 × 10 MiB', '16 × 4 MiB', '4 × 50 MiB']),
        computeRatio('wallMs', 'driver', 'raw'),
      ),
      findWorst(
        `${library}, store, wall against the S3 driver's way, 64 MiB and more`,
        0.8,
        inLarge(measured, ['16 × 4 MiB', '4 × 50 MiB']),
        computeRatio('wallMs', 'driver', 'S3 driver'),
      ),
      findWorst(
        `${library}, retrieve stall against raw GET, 1 × 50 MiB`,
        1.2,
        pickFigures(measured, 'retrieve', ['1 × 50 MiB']),
        computeRatio('stallMs', 'driver', 'raw'),
      ),
      findWorst(
        `${library}, extra memory of a 4 × 50 MiB store against the S3 driver`,
        0.55,
        inLarge(measured, ['4 × 50 MiB']),
        computeRatio('memory', 'driver', 'S3 driver'),
      ),
    );
  }
  verdicts.push(
    findWorst(
      "Upstash, store, wall against the S3 driver's way",
      1,
      inLarge(libraries.Upstash, ['16 × 4 MiB']),
      computeRatio('wallMs', 'driver', 'S3 driver'),
    ),
    ...COUNT_OPERATIONS.map((operation) => ({
      title: `${operation} of 10,000 × 10 KiB, against the line through all counts`,
      target: 1.2,
      worst: compareWithLine(growth.counts, 10_000, operation),
      load: '10000 × 10 KiB',
      unit: '' as const,
    })),
    {
      title: 'Traces that nobody listens to, against a store of 10 KiB, in %',
      target: 1,
      worst: (diagnostics.unheard - diagnostics.untraced) / (perPayload(growth.counts, 100, 'store') * 10),
      load: '100 × 10 KiB',
      unit: '',
    },
  );
  for (const [load, { usage }] of Object.entries(commands)) {
    verdicts.push(
      { title: '`usage`, wall', target: 60, worst: usage.wallMs / 1000, load, unit: 's' },
      { title: '`usage`, memory', target: 300, worst: usage.memory / 1e6, load, unit: 'MB' },
    );
  }
  return verdicts;
}

const COUNT_OPERATIONS = ['store', 'retrieve'] as const;

/** The time of a call of so many payloads, against the line that fits all calls. */
function compareWithLine(counts: Results['growth']['counts'], count: number, operation: string): number {
  const { fixed, perUnit } = fitLine(
    Object.entries(counts).map(([load, costs]) => [Number.parseInt(load, 10), getCost(costs, operation).wallMs]),
  );
  return (perPayload(counts, count, operation) * count) / (fixed + perUnit * count);
}

/** Milliseconds for each payload of 10 KiB, in calls of so many. */
function perPayload(counts: Results['growth']['counts'], count: number, operation: string): number {
  const costs = counts[`${count} × 10 KiB`];
  if (costs === undefined) throw new Error(`Nothing was measured for ${count} payloads`);
  return getCost(costs, operation).wallMs / count;
}

function readStall(costs: Costs): number {
  return getCost(costs, 'driver').stallMs;
}

function subtractRawStall(costs: Costs): number {
  return getCost(costs, 'driver').stallMs - getCost(costs, 'raw').stallMs;
}

function computeRatio(field: 'wallMs' | 'stallMs' | 'memory', variant: string, reference: string): ComputeValue {
  return (costs) => getCost(costs, variant)[field] / getCost(costs, reference)[field];
}

function pickFigures(
  measured: Results['drivers'],
  operation: 'store' | 'retrieve',
  loads: string[] = Object.keys(measured),
): [string, Costs][] {
  return loads.map((load) => {
    const costs = measured[load]?.[operation];
    if (costs === undefined) throw new Error(`Nothing was measured for ${load}`);
    return [load, costs];
  });
}

function findWorst(
  title: string,
  target: number,
  rows: [string, Costs][],
  computeValue: ComputeValue,
  unit: '' | 'ms' = '',
): Verdict {
  const [load, worst] = rows
    .map(([name, costs]): [string, number] => [name, computeValue(costs)])
    .reduce((a, b) => (b[1] > a[1] ? b : a));
  return { title, target, worst, load, unit };
}
