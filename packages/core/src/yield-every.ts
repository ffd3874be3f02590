import { nextTurn } from './timers';

/** Yields the items, and lets the event loop take a turn after every `n` of them: a call may bring ten thousand. */
export async function* yieldEvery<Item>(n: number, items: readonly Item[]): AsyncGenerator<Item, void> {
  for (const [index, item] of items.entries()) {
    if (index > 0 && index % n === 0) await nextTurn();
    yield item;
  }
}
