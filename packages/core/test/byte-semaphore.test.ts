import { ByteSemaphore } from '../src/byte-semaphore';
import { TimeoutError } from '../src/errors';

const { signal } = new AbortController();

/** Waits until every promise that can settle has settled. */
const settlePromises = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Starts requests, each of which keeps its bytes until it is finished. */
function createRequests(semaphore: ByteSemaphore): {
  running: string[];
  start: (name: string, bytes: number, abortSignal?: AbortSignal) => Promise<void>;
  finish: (name: string, error?: Error) => Promise<void>;
} {
  const running: string[] = [];
  const finishers = new Map<string, (error?: Error) => void>();
  return {
    running,
    async start(name, bytes, abortSignal = signal) {
      const release = await semaphore.acquire(bytes, abortSignal);
      running.push(name);
      try {
        await new Promise<void>((resolve, reject) =>
          finishers.set(name, (error) => (error ? reject(error) : resolve())),
        );
        semaphore.recordProgress();
      } finally {
        release();
      }
    },
    async finish(name, error) {
      running.splice(running.indexOf(name), 1);
      finishers.get(name)!(error);
      await settlePromises();
    },
  };
}

describe('the byte semaphore', () => {
  it('admits requests in order of arrival while there is room', async () => {
    const { running, start, finish } = createRequests(new ByteSemaphore(100, 60_000));
    const all = [start('a', 60), start('b', 40), start('c', 50), start('d', 10)];
    await settlePromises();
    expect(running).toEqual(['a', 'b']);

    // d would fit, but c came first.
    await finish('b');
    expect(running).toEqual(['a']);
    await finish('a');
    expect(running).toEqual(['c', 'd']);

    await finish('c');
    await finish('d');
    await Promise.all(all);
  });

  it('admits a request over the limit when nothing else is in flight', async () => {
    const { running, start, finish } = createRequests(new ByteSemaphore(100, 60_000));
    const all = [start('a', 1), start('huge', 1000), start('b', 1)];
    await settlePromises();
    expect(running).toEqual(['a']);
    await finish('a');
    expect(running).toEqual(['huge']);
    await finish('huge');
    expect(running).toEqual(['b']);
    await finish('b');
    await Promise.all(all);
  });

  it('removes an aborted request from the queue, and admits the next one', async () => {
    const { running, start, finish } = createRequests(new ByteSemaphore(100, 60_000));
    const controller = new AbortController();
    const reason = new Error('enough');
    const a = start('a', 60);
    const b = start('b', 60, controller.signal);
    const c = start('c', 40);

    controller.abort(reason);

    await expect(b).rejects.toBe(reason);
    await settlePromises();
    expect(running).toEqual(['a', 'c']);
    await finish('a');
    await finish('c');
    await Promise.all([a, c]);
  });

  it('releases the bytes of a request that failed', async () => {
    const { running, start, finish } = createRequests(new ByteSemaphore(100, 60_000));
    const a = start('a', 100);
    const b = start('b', 100);
    await settlePromises();
    await finish('a', new Error('refused'));
    await expect(a).rejects.toThrow('refused');
    expect(running).toEqual(['b']);
    await finish('b');
    await b;
  });

  it('rejects waiting requests when none completes within the time-out', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
    try {
      const { running, start, finish } = createRequests(new ByteSemaphore(100, 1000));
      void start('a', 50);
      void start('b', 50);
      const c = start('c', 100);
      const d = start('d', 100);
      const outcome = Promise.allSettled([c, d]);

      await jest.advanceTimersByTimeAsync(900);
      await finish('a');
      await jest.advanceTimersByTimeAsync(900);
      expect(running).toEqual(['b']);
      await jest.advanceTimersByTimeAsync(200);

      for (const settled of await outcome) {
        expect(settled).toMatchObject({ status: 'rejected', reason: expect.any(TimeoutError) as TimeoutError });
      }
      await finish('b');
      void start('e', 100);
      await settlePromises();
      expect(running).toEqual(['e']);
    } finally {
      jest.useRealTimers();
    }
  });
});
