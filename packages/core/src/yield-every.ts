import { setImmediate as nextRound } from 'node:timers/promises';

/** What may be begun in one go: of requests, some three milliseconds' worth. */
const ITEMS_PER_ROUND = 100;

/** Yields the items, and lets the event loop go round after every hundredth: a call may bring ten thousand. */
export async function* yieldEvery<Item>(items: readonly Item[]): AsyncGenerator<Item, void> {
  for (const [index, item] of items.entries()) {
    if (index > 0 && index % ITEMS_PER_ROUND === 0) await nextRound();
    yield item;
  }
}
