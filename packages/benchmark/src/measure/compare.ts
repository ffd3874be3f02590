import { countBytes, MIB, type Load } from './loads';
import { measureMemory, measureTimes, type Cost } from './measure';

/** Payload bytes per time measurement of a variant, within these limits on the number of calls. */
const BYTES_PER_SERIES = 64 * MIB;
const MIN_CALLS = 2;
const MAX_CALLS = 100;

/** A way to do the work that a comparison measures. */
export interface Variant {
  name: string;
  run: () => Promise<unknown>;
  /** Runs before each series, unmeasured. */
  before?: () => Promise<unknown>;
  /** Runs after each series, unmeasured. */
  after?: () => Promise<unknown>;
}

/** Median costs by variant name. */
export type Costs = Record<string, Cost>;

export function getCost(costs: Costs, name: string): Cost {
  const cost = costs[name];
  if (cost === undefined) throw new Error(`Nothing was measured for ${name}`);
  return cost;
}

/**
 * Runs the variants in turn, in one warm-up round and then `rounds` measured ones, so that changes in the machine's
 * load affect all of them. Each time is the mean of a series of calls, because the garbage that a call leaves is part
 * of its cost. Memory is measured after all times: it needs forced collections, after which V8 collects more often.
 */
export async function compare(variants: Variant[], load: Load, rounds: number): Promise<Costs> {
  const calls = Math.min(Math.max(Math.ceil(BYTES_PER_SERIES / countBytes(load)), MIN_CALLS), MAX_CALLS);
  const times = await measureInTurn(variants, rounds, async ({ run }) => {
    const series = async (): Promise<void> => {
      for (let call = 0; call < calls; call++) await run();
    };
    // One unmeasured series first, because it also collects the garbage of the previous variant.
    await series();
    const { wallMs, cpuMs, stallMs } = await measureTimes(series);
    return { wallMs: wallMs / calls, cpuMs: cpuMs / calls, stallMs };
  });
  const memory = await measureInTurn(variants, rounds, async ({ run }) => ({ memory: await measureMemory(run) }));
  return Object.fromEntries(
    variants.map(({ name }) => [name, { ...computeMedians(times.get(name)), ...computeMedians(memory.get(name)) }]),
  );
}

/** Like {@link compare}, for work that measures its own cost, such as work in another process. */
export async function compareCosts(
  variants: { name: string; measureOnce: () => Promise<Cost> }[],
  rounds: number,
): Promise<Costs> {
  const costs = await measureInTurn(variants, rounds, ({ measureOnce }) => measureOnce());
  return Object.fromEntries([...costs].map(([name, measured]) => [name, computeMedians(measured)]));
}

/** Returns the measurements of all rounds but the first, by variant name. */
async function measureInTurn<V extends Pick<Variant, 'name' | 'before' | 'after'>, Measured>(
  variants: V[],
  rounds: number,
  measure: (variant: V) => Promise<Measured>,
): Promise<Map<string, Measured[]>> {
  const measured = new Map<string, Measured[]>(variants.map(({ name }) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const variant of rotate(variants, round)) {
      await variant.before?.();
      const result = await measure(variant);
      await variant.after?.();
      if (round > 0) measured.get(variant.name)?.push(result);
    }
  }
  return measured;
}

/** Rotates the variants so that each one runs first, and last, in some round. */
function rotate<Item>(items: Item[], by: number): Item[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

function computeMedians<Figures extends object>(measured: Figures[] = []): Figures {
  const [first] = measured;
  if (first === undefined) throw new Error('Nothing was measured');
  const computeMedian = (figure: string): number => {
    const sorted = measured
      .map((figures) => (figures as Record<string, number>)[figure] ?? NaN)
      .toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? NaN;
  };
  return Object.fromEntries(Object.keys(first).map((figure) => [figure, computeMedian(figure)])) as Figures;
}
