import { createPause } from './pause';

/** Runs `task` on every item, at most `limit` at a time. Rejects with the first failure and then starts no further task. */
export async function forEachConcurrently<Item>(
  items: readonly Item[],
  limit: number,
  task: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const pause = createPause();
  let failed = false;
  const work = async (): Promise<void> => {
    for (const item of queue) {
      if (failed) return;
      try {
        await task(item);
        // Tasks without I/O would follow each other within one turn of the event loop.
        await pause();
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work));
}
