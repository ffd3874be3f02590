import { ByteSemaphore } from '../src/byte-semaphore';
import { TimeoutError } from '../src/errors';

const { signal } = new AbortController();

/** Lets every promise settle that can. */
const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Starts requests, each of which holds its bytes until it is ended. */
function createRequests(semaphore: ByteSemaphore): {
  inside: string[];
  enter: (name: string, bytes: number, abortSignal?: AbortSignal) => Promise<void>;
  end: (name: string, error?: Error) => Promise<void>;
} {
  const inside: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  return {
    inside,
    async enter(name, bytes, abortSignal = signal) {
      const release = await semaphore.acquire(bytes, abortSignal);
      inside.push(name);
      try {
        await new Promise<void>((resolve, reject) => ends.set(name, (error) => (error ? reject(error) : resolve())));
        semaphore.recordProgress();
      } finally {
        release();
      }
    },
    async end(name, error) {
      inside.splice(inside.indexOf(name), 1);
      ends.get(name)!(error);
      await settle();
    },
  };
}

describe('the byte semaphore', () => {
  it('admits requests in order of arrival while there is room', async () => {
    const { inside, enter, end } = createRequests(new ByteSemaphore(100, 60_000));
    const all = [enter('a', 60), enter('b', 40), enter('c', 50), enter('d', 10)];
    await settle();
    expect(inside).toEqual(['a', 'b']);

    // d would fit, but c came first.
    await end('b');
    expect(inside).toEqual(['a']);
    await end('a');
    expect(inside).toEqual(['c', 'd']);

    await end('c');
    await end('d');
    await Promise.all(all);
  });

  it('admits a request over the limit when nothing else is in flight', async () => {
    const { inside, enter, end } = createRequests(new ByteSemaphore(100, 60_000));
    const all = [enter('a', 1), enter('huge', 1000), enter('b', 1)];
    await settle();
    expect(inside).toEqual(['a']);
    await end('a');
    expect(inside).toEqual(['huge']);
    await end('huge');
    expect(inside).toEqual(['b']);
    await end('b');
    await Promise.all(all);
  });

  it('removes an aborted request from the queue, and admits the next one', async () => {
    const { inside, enter, end } = createRequests(new ByteSemaphore(100, 60_000));
    const controller = new AbortController();
    const reason = new Error('enough');
    const a = enter('a', 60);
    const b = enter('b', 60, controller.signal);
    const c = enter('c', 40);

    controller.abort(reason);

    await expect(b).rejects.toBe(reason);
    await settle();
    expect(inside).toEqual(['a', 'c']);
    await end('a');
    await end('c');
    await Promise.all([a, c]);
  });

  it('releases the bytes of a request that failed', async () => {
    const { inside, enter, end } = createRequests(new ByteSemaphore(100, 60_000));
    const a = enter('a', 100);
    const b = enter('b', 100);
    await settle();
    await end('a', new Error('refused'));
    await expect(a).rejects.toThrow('refused');
    expect(inside).toEqual(['b']);
    await end('b');
    await b;
  });

  it('rejects waiting requests when none completes within the time-out', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
    try {
      const { inside, enter, end } = createRequests(new ByteSemaphore(100, 1000));
      void enter('a', 50);
      void enter('b', 50);
      const c = enter('c', 100);
      const d = enter('d', 100);
      const outcome = Promise.allSettled([c, d]);

      await jest.advanceTimersByTimeAsync(900);
      await end('a');
      await jest.advanceTimersByTimeAsync(900);
      expect(inside).toEqual(['b']);
      await jest.advanceTimersByTimeAsync(200);

      for (const settled of await outcome) {
        expect(settled).toMatchObject({ status: 'rejected', reason: expect.any(TimeoutError) as TimeoutError });
      }
      await end('b');
      void enter('e', 100);
      await settle();
      expect(inside).toEqual(['e']);
    } finally {
      jest.useRealTimers();
    }
  });
});
