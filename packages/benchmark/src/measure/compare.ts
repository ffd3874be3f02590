import { countBytes, MIB, type Load } from './loads';
import { measureMemory, measureTimes, type Cost } from './measure';

/** How many bytes go through a variant in one measurement of its times, in these bounds of calls. */
const SERIES = 64 * MIB;
const MIN_CALLS = 2;
const MAX_CALLS = 100;

/** One way to do the same work. */
export interface Variant {
  name: string;
  run: () => Promise<unknown>;
  /** Before a series of runs; not measured. */
  before?: () => Promise<unknown>;
  /** After a series of runs; not measured. */
  after?: () => Promise<unknown>;
}

/** Medians, by the names of the variants. */
export type Costs = Record<string, Cost>;

export function toCost(costs: Costs, name: string): Cost {
  const cost = costs[name];
  if (cost === undefined) throw new Error(`Nothing was measured for ${name}`);
  return cost;
}

/**
 * Runs the variants in turn, one warming round and then `rounds` measured ones, so that all meet the same machine. Times
 * are those of a call in a series, as what a call leaves to the garbage collector is its cost too, and a collection that
 * is forced makes V8 collect more often afterwards: so memory, which needs one, is measured once all times are.
 */
export async function compare(variants: Variant[], load: Load, rounds: number): Promise<Costs> {
  const calls = Math.min(Math.max(Math.ceil(SERIES / countBytes(load)), MIN_CALLS), MAX_CALLS);
  const times = await measureInTurn(variants, rounds, async ({ run }) => {
    const series = async (): Promise<void> => {
      for (let call = 0; call < calls; call++) await run();
    };
    // Once unmeasured: it meets what the variant before has left to collect.
    await series();
    const { wallMs, cpuMs, stallMs } = await measureTimes(series);
    return { wallMs: wallMs / calls, cpuMs: cpuMs / calls, stallMs };
  });
  const memory = await measureInTurn(variants, rounds, async ({ run }) => ({ memory: await measureMemory(run) }));
  return Object.fromEntries(
    variants.map(({ name }) => [name, { ...computeMedians(times.get(name)), ...computeMedians(memory.get(name)) }]),
  );
}

/** {@link compare} for work that is measured where it runs. */
export async function compareCosts(
  variants: { name: string; costOnce: () => Promise<Cost> }[],
  rounds: number,
): Promise<Costs> {
  const costs = await measureInTurn(variants, rounds, ({ costOnce }) => costOnce());
  return Object.fromEntries([...costs].map(([name, measured]) => [name, computeMedians(measured)]));
}

/** What was measured in each round but the first, by the variants' names. */
async function measureInTurn<V extends Pick<Variant, 'name' | 'before' | 'after'>, Measured>(
  variants: V[],
  rounds: number,
  measure: (variant: V) => Promise<Measured>,
): Promise<Map<string, Measured[]>> {
  const measured = new Map<string, Measured[]>(variants.map(({ name }) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const variant of rotate(variants, round)) {
      await variant.before?.();
      const once = await measure(variant);
      await variant.after?.();
      if (round > 0) measured.get(variant.name)?.push(once);
    }
  }
  return measured;
}

/** None is always the first, or the last. */
function rotate<Item>(items: Item[], by: number): Item[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

function computeMedians<Figures extends object>(measured: Figures[] = []): Figures {
  const [first] = measured;
  if (first === undefined) throw new Error('Nothing was measured');
  const medianOf = (figure: string): number => {
    const sorted = measured
      .map((figures) => (figures as Record<string, number>)[figure] ?? NaN)
      .toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? NaN;
  };
  return Object.fromEntries(Object.keys(first).map((figure) => [figure, medianOf(figure)])) as Figures;
}
