import { runBatch } from '../src/batch';

const ITEMS = Array.from({ length: 1000 }, (_, index) => index);

/** A task that runs until its signal aborts. */
function runUntilAborted(abortSignal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    abortSignal.throwIfAborted();
    abortSignal.addEventListener('abort', () => reject(abortSignal.reason as Error));
  });
}

describe('a batch', () => {
  it('keeps the order of results, and starts a hundred tasks per turn of the event loop without waiting for them', async () => {
    let started = 0;
    let release = (): void => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const results = runBatch(ITEMS, undefined, async (item) => {
      started++;
      await released;
      return -item;
    });
    const perTurn: number[] = [];
    for (let before = 0; started < ITEMS.length; before = started) {
      await new Promise(setImmediate);
      perTurn.push(started - before);
    }
    expect(Math.max(...perTurn)).toBeLessThanOrEqual(100);
    expect(perTurn.length).toBeLessThanOrEqual(20);
    release();
    expect(await results).toEqual(ITEMS.map((item) => -item));
  });

  it('throws the first failure, aborts the running tasks, and starts no more', async () => {
    const failure = new Error('first');
    const reasons: unknown[] = [];
    let started = 0;
    const results = runBatch(ITEMS, undefined, async (item, abortSignal) => {
      started++;
      if (item === 50) throw failure;
      await runUntilAborted(abortSignal).catch((reason: unknown) => reasons.push(reason));
      throw new Error(`a later failure of ${item}`);
    });
    await expect(results).rejects.toBe(failure);
    expect(started).toBeLessThanOrEqual(100);
    expect(reasons).toEqual(Array.from({ length: started - 1 }, () => failure));
  });

  it("rejects with the caller's reason, aborts the running tasks, and starts no more", async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    let started = 0;
    const results = runBatch(ITEMS, controller.signal, (_item, abortSignal) => {
      if (++started === 150) setImmediate(() => controller.abort(reason));
      return runUntilAborted(abortSignal);
    });
    await expect(results).rejects.toBe(reason);
    expect(started).toBeLessThanOrEqual(300);
  });
});
