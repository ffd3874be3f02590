import { getCost, type Costs } from '../measure/compare';
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
export function judgeTargets({ drivers, libraries, commands }: Results): Verdict[] {
  const [large, medium] = [
    ['16 × 4 MiB', '1 × 50 MiB', '4 × 50 MiB'],
    ['1 × 10 MiB', '64 × 0.25 MiB'],
  ];
  const tenMibAndLarger = ['1 × 10 MiB', '1 × 50 MiB', '64 × 0.25 MiB', '16 × 4 MiB', '4 × 50 MiB'];
  const wallRatio = computeRatio('wallMs', 'driver', 'S3 driver');
  const stallRatio = computeRatio('stallMs', 'driver', 'S3 driver');
  const verdicts = [
    findWorst('Null client, store, wall against the S3 driver', 1.1, pickFigures(drivers, 'store'), wallRatio),
    findWorst('Null client, retrieve, wall against the S3 driver', 1.1, pickFigures(drivers, 'retrieve'), wallRatio),
    findWorst(
      'Null client, store, longest stall against the S3 driver',
      0.1,
      pickFigures(drivers, 'store', large),
      stallRatio,
    ),
    findWorst(
      'Null client, store, longest stall against the S3 driver, medium loads',
      0.4,
      pickFigures(drivers, 'store', medium),
      stallRatio,
    ),
  ];
  for (const [library, measured] of Object.entries(libraries)) {
    verdicts.push(
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
    ['node-redis', 2.3],
    ['ioredis', 2.0],
  ] as const) {
    const measured = libraries[library];
    verdicts.push(
      findWorst(
        `${library}, store, wall against raw SET, 10 MiB and larger`,
        limit,
        pickFigures(measured, 'store', tenMibAndLarger),
        computeRatio('wallMs', 'driver', 'raw'),
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
        pickFigures(measured, 'store', ['4 × 50 MiB']),
        computeRatio('memory', 'driver', 'S3 driver'),
      ),
      findWorst(
        `${library}, duplicate store of 10 MiB against a first store`,
        0.6,
        pickFigures(measured, 'store', ['1 × 10 MiB']),
        computeRatio('wallMs', 'driver, duplicate', 'driver'),
      ),
    );
  }
  for (const [load, { usage }] of Object.entries(commands)) {
    verdicts.push(
      { title: '`usage`, wall', target: 60, worst: usage.wallMs / 1000, load, unit: 's' },
      { title: '`usage`, memory', target: 300, worst: usage.memory / 1e6, load, unit: 'MB' },
    );
  }
  return verdicts;
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
