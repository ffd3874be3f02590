import { onAbort } from './abort';
import { yieldEvery } from './yield-every';

/** Tasks started in one turn of the event loop: 100 requests take about 3 ms. */
const TASKS_PER_TURN = 100;

/**
 * Runs `task` on every item concurrently, and keeps their order. The first failure aborts the other tasks through the
 * signal that each of them gets, and is thrown once all have settled. An abort of `abortSignal` does the same.
 */
export async function runBatch<Item, Result>(
  items: readonly Item[],
  abortSignal: AbortSignal | undefined,
  task: (item: Item, abortSignal: AbortSignal) => Promise<Result>,
): Promise<Result[]> {
  abortSignal?.throwIfAborted();
  const tasks: Promise<Result>[] = [];
  // One for each task, because adding a listener takes longer the more a signal has.
  const controllers: AbortController[] = [];
  let stopped: { reason: unknown } | undefined;
  const stop = (reason: unknown): void => {
    if (stopped) return;
    stopped = { reason };
    controllers.forEach((controller) => controller.abort(reason));
  };
  const stopListening = onAbort(abortSignal, stop);
  try {
    for await (const item of yieldEvery(TASKS_PER_TURN, items)) {
      if (stopped) break;
      const controller = new AbortController();
      controllers.push(controller);
      const running = task(item, controller.signal);
      running.catch(stop);
      tasks.push(running);
    }
    await Promise.allSettled(tasks);
    if (stopped) throw stopped.reason;
    return await Promise.all(tasks);
  } finally {
    stopListening();
  }
}
