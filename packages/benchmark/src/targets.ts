import { costOf, type Costs } from './compare';
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
export function verdictsOf({ drivers, libraries }: Results): Verdict[] {
  const [big, middle] = [
    ['16 × 4 MiB', '1 × 50 MiB', '4 × 50 MiB'],
    ['1 × 10 MiB', '64 × 0.25 MiB'],
  ];
  const large = ['1 × 10 MiB', '1 × 50 MiB', '64 × 0.25 MiB', '16 × 4 MiB', '4 × 50 MiB'];
  const alone = ratio('wallMs', 'driver', 'S3 driver');
  const aloneStall = ratio('stallMs', 'driver', 'S3 driver');
  const verdicts = [
    worst('Null client, store, wall against the S3 driver', 1.1, pick(drivers, 'store'), alone),
    worst('Null client, retrieve, wall against the S3 driver', 1.1, pick(drivers, 'retrieve'), alone),
    worst('Null client, store, longest stall against the S3 driver', 0.1, pick(drivers, 'store', big), aloneStall),
    worst('Null client, store, longest stall, middling loads', 0.4, pick(drivers, 'store', middle), aloneStall),
  ];
  for (const [library, measured] of Object.entries(libraries)) {
    verdicts.push(
      worst(`${library}, store stall less the raw call's own`, 15, pick(measured, 'store'), ownStall, 'ms'),
    );
  }
  for (const [library, limit] of [
    ['node-redis', 2.3],
    ['ioredis', 2.0],
  ] as const) {
    const measured = libraries[library];
    verdicts.push(
      worst(`${library}, store, wall against raw SET, 10 MiB and more`, limit, pick(measured, 'store', large), raw),
      worst(
        `${library}, retrieve stall against raw GET, 1 × 50 MiB`,
        1.2,
        pick(measured, 'retrieve', ['1 × 50 MiB']),
        ratio('stallMs', 'driver', 'raw'),
      ),
      worst(
        `${library}, extra memory of a 4 × 50 MiB store against the S3 driver`,
        0.55,
        pick(measured, 'store', ['4 × 50 MiB']),
        ratio('memory', 'driver', 'S3 driver'),
      ),
      worst(
        `${library}, duplicate store of 10 MiB against a first`,
        0.6,
        pick(measured, 'store', ['1 × 10 MiB']),
        ratio('wallMs', 'driver, duplicate', 'driver'),
      ),
    );
  }
  return verdicts;
}

const raw = ratio('wallMs', 'driver', 'raw');

function ownStall(costs: Costs): number {
  return costOf(costs, 'driver').stallMs - costOf(costs, 'raw').stallMs;
}

function ratio(field: 'wallMs' | 'stallMs' | 'memory', of: string, to: string): Value {
  return (costs) => costOf(costs, of)[field] / costOf(costs, to)[field];
}

function pick(
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

function worst(what: string, target: number, rows: [string, Costs][], value: Value, unit: '' | 'ms' = ''): Verdict {
  const [load, most] = rows
    .map(([name, costs]): [string, number] => [name, value(costs)])
    .reduce((a, b) => (b[1] > a[1] ? b : a));
  return { what, target, worst: most, load, unit };
}
