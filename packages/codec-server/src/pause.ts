import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long to keep the event loop in one go, in milliseconds. */
const SLICE_MS = 5;

/** Returns a function that lets the event loop turn if the time since it last did so is used up. */
export function createPause(): () => Promise<void> {
  let start = performance.now();
  return async () => {
    if (performance.now() - start < SLICE_MS) return;
    await nextTurn();
    start = performance.now();
  };
}
