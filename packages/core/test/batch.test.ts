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
  it('keeps the order of results', async () => {
    const results = runBatch(ITEMS, undefined, async (item) => {
      for (let turn = 0; turn < item % 3; turn++) await new Promise(setImmediate);
      return -item;
    });
    expect(await results).toEqual(ITEMS.map((item) => -item));
  });

  it('runs 256 tasks at once, of which it starts a hundred per turn of the event loop', async () => {
    let running = 0;
    let release = (): void => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    let mostRunning = 0;
    const results = runBatch(ITEMS, undefined, async () => {
      mostRunning = Math.max(mostRunning, ++running);
      await released;
      running--;
    });
    const perTurn: number[] = [];
    while (perTurn.length < 20) {
      const before = running;
      await new Promise(setImmediate);
      perTurn.push(running - before);
    }
    expect(Math.max(...perTurn)).toBeLessThanOrEqual(100);
    expect(running).toBe(256);
    release();
    expect(await results).toHaveLength(ITEMS.length);
    expect(mostRunning).toBe(256);
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
