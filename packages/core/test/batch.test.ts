import { runBatch } from '../src/batch';

const ITEMS = Array.from({ length: 1000 }, (_, index) => index);

/** A task that never ends of itself. */
function untilAborted(abortSignal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    abortSignal.throwIfAborted();
    abortSignal.addEventListener('abort', () => reject(abortSignal.reason as Error));
  });
}

describe('a batch', () => {
  it('keeps the order, starts a hundred tasks per turn of the event loop, and waits for none of them', async () => {
    let begun = 0;
    let release = (): void => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const results = runBatch(ITEMS, undefined, async (item) => {
      begun++;
      await released;
      return -item;
    });
    const perRound: number[] = [];
    for (let before = 0; begun < ITEMS.length; before = begun) {
      await new Promise(setImmediate);
      perRound.push(begun - before);
    }
    expect(Math.max(...perRound)).toBeLessThanOrEqual(100);
    expect(perRound.length).toBeLessThanOrEqual(20);
    release();
    expect(await results).toEqual(ITEMS.map((item) => -item));
  });

  it('throws the first failure, aborts the running tasks, and starts no more', async () => {
    const failure = new Error('first');
    const reasons: unknown[] = [];
    let begun = 0;
    const results = runBatch(ITEMS, undefined, async (item, abortSignal) => {
      begun++;
      if (item === 50) throw failure;
      await untilAborted(abortSignal).catch((reason: unknown) => reasons.push(reason));
      throw new Error(`a later failure of ${item}`);
    });
    await expect(results).rejects.toBe(failure);
    expect(begun).toBeLessThanOrEqual(100);
    expect(reasons).toEqual(Array.from({ length: begun - 1 }, () => failure));
  });

  it("rejects with the caller's reason, aborts the running tasks, and starts no more", async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    let begun = 0;
    const results = runBatch(ITEMS, controller.signal, (_item, abortSignal) => {
      if (++begun === 150) setImmediate(() => controller.abort(reason));
      return untilAborted(abortSignal);
    });
    await expect(results).rejects.toBe(reason);
    expect(begun).toBeLessThanOrEqual(300);
  });
});
