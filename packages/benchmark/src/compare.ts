import { measure, type Cost } from './probe';

/** One way to do the same work. */
export interface Variant {
  name: string;
  run: () => Promise<unknown>;
  /** Not measured. */
  before?: () => Promise<unknown>;
  /** Not measured. */
  after?: () => Promise<unknown>;
}

/** Medians, by the names of the variants. */
export type Costs = Record<string, Cost>;

export function costOf(costs: Costs, name: string): Cost {
  const cost = costs[name];
  if (cost === undefined) throw new Error(`Nothing was measured for ${name}`);
  return cost;
}

/** Runs the variants in turn, one warming round and then `rounds` measured ones, so that all meet the same machine. */
export async function compare(variants: Variant[], rounds: number): Promise<Costs> {
  return compareCosts(
    variants.map(({ name, run, before, after }) => ({
      name,
      costOnce: async () => {
        await before?.();
        const cost = await measure(run);
        await after?.();
        return cost;
      },
    })),
    rounds,
  );
}

/** {@link compare} for work that is measured where it runs. */
export async function compareCosts(
  variants: { name: string; costOnce: () => Promise<Cost> }[],
  rounds: number,
): Promise<Costs> {
  const costs = new Map<string, Cost[]>(variants.map(({ name }) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const { name, costOnce } of rotated(variants, round)) {
      const cost = await costOnce();
      if (round > 0) costs.get(name)?.push(cost);
    }
  }
  return Object.fromEntries([...costs].map(([name, measured]) => [name, medians(measured)]));
}

/** None is always the one that runs after the same other. */
function rotated<Item>(items: Item[], by: number): Item[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

function medians(costs: Cost[]): Cost {
  const medianOf = (field: keyof Cost): number => {
    const sorted = costs.map((cost) => cost[field]).toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? NaN;
  };
  return {
    wallMs: medianOf('wallMs'),
    cpuMs: medianOf('cpuMs'),
    stallMs: medianOf('stallMs'),
    memory: medianOf('memory'),
  };
}
