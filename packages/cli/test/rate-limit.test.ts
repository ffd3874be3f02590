import { performance } from 'node:perf_hooks';
import { createRateLimiter } from '../src/renew/rate-limit';

describe('createRateLimiter', () => {
  it('spaces requests that come at once, so that no more than maxRps start in a second', async () => {
    const waitForTurn = createRateLimiter(100);
    const start = performance.now();
    const turns = await Promise.all(
      Array.from({ length: 21 }, async () => {
        await waitForTurn();
        return performance.now() - start;
      }),
    );
    for (const [index, turn] of turns.entries()) expect(turn).toBeGreaterThan(index * 10 - 2);
  });
});
