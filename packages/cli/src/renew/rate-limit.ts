import { setTimeout as sleep } from 'node:timers/promises';

/** Waits for the turn of a request. */
export type RateLimiter = () => Promise<void>;

/** Spaces requests evenly, so that at most `maxRps` start in a second. */
export function createRateLimiter(maxRps: number): RateLimiter {
  let next = 0;
  return async () => {
    const now = Date.now();
    const turn = Math.max(now, next);
    next = turn + 1000 / maxRps;
    if (turn > now) await sleep(turn - now);
  };
}
