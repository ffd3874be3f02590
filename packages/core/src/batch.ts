import { yieldEvery } from './yield-every';

/**
 * Runs `task` on every item, all at once, and keeps their order. The first failure aborts the siblings through the signal
 * that each task gets, as does `abortSignal`, and is thrown once all have settled.
 */
export async function runBatch<Item, Result>(
  items: readonly Item[],
  abortSignal: AbortSignal | undefined,
  task: (item: Item, abortSignal: AbortSignal) => Promise<Result>,
): Promise<Result[]> {
  abortSignal?.throwIfAborted();
  const tasks: Promise<Result>[] = [];
  // One for each task: the more listeners a signal has, the longer it takes to add another.
  const controllers: AbortController[] = [];
  let stopped: { reason: unknown } | undefined;
  const stop = (reason: unknown): void => {
    if (stopped) return;
    stopped = { reason };
    controllers.forEach((controller) => controller.abort(reason));
  };
  const onAbort = (): void => stop(abortSignal?.reason);
  abortSignal?.addEventListener('abort', onAbort);
  try {
    for await (const item of yieldEvery(items)) {
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
    abortSignal?.removeEventListener('abort', onAbort);
  }
}
