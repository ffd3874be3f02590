import { toCost, type Costs } from '../measure/compare';
import type { Results } from './results';

/** What the driver is held to. */
export interface Verdict {
  what: string;
  target: number;
  /** Of the load that is worst; a ratio, or milliseconds where `unit` says so. */
  worst: number;
  load: string;
  unit: '' | 'ms';
}

type Value = (costs: Costs) => number;

/** Holds the measured medians against the targets. */
export function judgeTargets({ drivers, libraries }: Results): Verdict[] {
  const [big, middle] = [
    ['16 × 4 MiB', '1 × 50 MiB', '4 × 50 MiB'],
    ['1 × 10 MiB', '64 × 0.25 MiB'],
  ];
  const large = ['1 × 10 MiB', '1 × 50 MiB', '64 × 0.25 MiB', '16 × 4 MiB', '4 × 50 MiB'];
  const alone = computeRatio('wallMs', 'driver', 'S3 driver');
  const aloneStall = computeRatio('stallMs', 'driver', 'S3 driver');
  const verdicts = [
    findWorst('Null client, store, wall against the S3 driver', 1.1, pickFigures(drivers, 'store'), alone),
    findWorst('Null client, retrieve, wall against the S3 driver', 1.1, pickFigures(drivers, 'retrieve'), alone),
    findWorst(
      'Null client, store, longest stall against the S3 driver',
      0.1,
      pickFigures(drivers, 'store', big),
      aloneStall,
    ),
    findWorst(
      'Null client, store, longest stall, middling loads',
      0.4,
      pickFigures(drivers, 'store', middle),
      aloneStall,
    ),
  ];
  for (const [library, measured] of Object.entries(libraries)) {
    verdicts.push(
      findWorst(
        `${library}, store stall less the raw call's own`,
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
        `${library}, store, wall against raw SET, 10 MiB and more`,
        limit,
        pickFigures(measured, 'store', large),
        raw,
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
        `${library}, duplicate store of 10 MiB against a first`,
        0.6,
        pickFigures(measured, 'store', ['1 × 10 MiB']),
        computeRatio('wallMs', 'driver, duplicate', 'driver'),
      ),
    );
  }
  return verdicts;
}

const raw = computeRatio('wallMs', 'driver', 'raw');

function subtractRawStall(costs: Costs): number {
  return toCost(costs, 'driver').stallMs - toCost(costs, 'raw').stallMs;
}

function computeRatio(field: 'wallMs' | 'stallMs' | 'memory', of: string, to: string): Value {
  return (costs) => toCost(costs, of)[field] / toCost(costs, to)[field];
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

function findWorst(what: string, target: number, rows: [string, Costs][], value: Value, unit: '' | 'ms' = ''): Verdict {
  const [load, most] = rows
    .map(([name, costs]): [string, number] => [name, value(costs)])
    .reduce((a, b) => (b[1] > a[1] ? b : a));
  return { what, target, worst: most, load, unit };
}
