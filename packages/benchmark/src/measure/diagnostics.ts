import { tracingChannel } from 'node:diagnostics_channel';
import { dirname, join } from 'node:path';

const CALLS = 100_000;

/** Microseconds for each payload. */
export interface DiagnosticsCost {
  /** What an operation that does nothing takes by itself. */
  untraced: number;
  /** The same, with traces that nobody listens to. */
  unheard: number;
  /** The same, with a subscriber. */
  heard: number;
}

type WithTrace = (
  operation: 'store',
  signal: AbortSignal,
  start: () => object,
  run: () => Promise<void>,
) => Promise<void>;

/** Measures what traces add to an operation, apart from the operation. */
export async function measureDiagnostics(rounds: number): Promise<DiagnosticsCost> {
  // It isn't public, and small enough that the rest of a store would hide it.
  const core = dirname(require.resolve('@temporal-redis-storage/core'));
  const { withTrace } = (await import(join(core, 'diagnostics.js'))) as { withTrace: WithTrace };
  const { signal } = new AbortController();
  const traced = (): Promise<void> => withTrace('store', signal, describe, run);
  const costs: Record<keyof DiagnosticsCost, number[]> = { untraced: [], unheard: [], heard: [] };
  const { asyncEnd } = tracingChannel('temporal-redis-storage:store');
  for (let round = 0; round <= rounds; round++) {
    const untraced = await time(run);
    const unheard = await time(traced);
    asyncEnd.subscribe(ignore);
    const heard = await time(traced);
    asyncEnd.unsubscribe(ignore);
    if (round === 0) continue;
    costs.untraced.push(untraced);
    costs.unheard.push(unheard);
    costs.heard.push(heard);
  }
  return { untraced: median(costs.untraced), unheard: median(costs.unheard), heard: median(costs.heard) };
}

const describe = (): object => ({ driverName: 'redis', size: 1 });

const run = async (): Promise<void> => {};

const ignore = (): void => {};

async function time(operation: () => Promise<void>): Promise<number> {
  const start = performance.now();
  for (let call = 0; call < CALLS; call++) await operation();
  return ((performance.now() - start) / CALLS) * 1000;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}
