import { onAbort } from './abort';
import { yieldEvery } from './yield-every';

/**
 * Tasks that run at once. Enough to keep a connection busy; with thousands, V8 spends a third of the time on collecting
 * garbage.
 */
const MAX_CONCURRENT_TASKS = 256;

/** Tasks started in one turn of the event loop: 100 requests take about 3 ms. */
const TASKS_PER_TURN = 100;

/**
 * Runs `task` on every item, many concurrently, and keeps their order. The first failure aborts the other tasks through the
 * signal that each of them gets, and is thrown once all have settled. An abort of `abortSignal` does the same.
 */
export async function runBatch<Item, Result>(
  items: readonly Item[],
  abortSignal: AbortSignal | undefined,
  task: (item: Item, abortSignal: AbortSignal) => Promise<Result>,
): Promise<Result[]> {
  abortSignal?.throwIfAborted();
  const results: Result[] = [];
  let next = 0;
  let stopped: { reason: unknown } | undefined;
  const work = async (workerSignal: AbortSignal): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) {
      if (stopped) return;
      results[index] = await task(items[index]!, workerSignal);
    }
  };
  // One controller for each worker, because adding a listener takes longer the more a signal has.
  const controllers = items.slice(0, MAX_CONCURRENT_TASKS).map(() => new AbortController());
  const workers: Promise<void>[] = [];
  const stop = (reason: unknown): void => {
    if (stopped) return;
    stopped = { reason };
    controllers.forEach((controller) => controller.abort(reason));
  };
  const stopListening = onAbort(abortSignal, stop);
  try {
    for await (const { signal } of yieldEvery(TASKS_PER_TURN, controllers)) {
      const worker = work(signal);
      worker.catch(stop);
      workers.push(worker);
    }
    await Promise.allSettled(workers);
    if (stopped) throw stopped.reason;
    return results;
  } finally {
    stopListening();
  }
}
