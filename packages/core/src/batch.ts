import { setMaxListeners } from 'node:events';

/**
 * Runs `task` on every item at once and keeps their order. The first failure aborts the siblings through the signal
 * that each task gets, as does `abortSignal`, and is thrown once all have settled.
 */
export async function runBatch<Item, Result>(
  items: readonly Item[],
  abortSignal: AbortSignal | undefined,
  task: (item: Item, abortSignal: AbortSignal) => Promise<Result>,
): Promise<Result[]> {
  abortSignal?.throwIfAborted();
  const controller = new AbortController();
  // Every task listens to it, however many there are: no sign of a leak.
  setMaxListeners(0, controller.signal);
  const onAbort = (): void => controller.abort(abortSignal?.reason);
  abortSignal?.addEventListener('abort', onAbort);
  const tasks = items.map((item) => task(item, controller.signal));
  try {
    return await Promise.all(tasks);
  } catch (error) {
    controller.abort(error);
    await Promise.allSettled(tasks);
    throw error;
  } finally {
    abortSignal?.removeEventListener('abort', onAbort);
  }
}
