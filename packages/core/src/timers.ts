import { performance } from 'node:perf_hooks';
import * as timers from 'node:timers';
import * as timersPromises from 'node:timers/promises';

// Taken from Node once, when this module loads: a test may replace them later, and the scheduler and the semaphore outlive
// that test. No method of a timer object is used, because in some environments (jsdom) it is a number.
export const { setTimeout, clearTimeout } = timers;
export const { setTimeout: sleep, setImmediate: nextTurn } = timersPromises;

/** Milliseconds on a clock that never goes back. */
export const now = performance.now.bind(performance);
