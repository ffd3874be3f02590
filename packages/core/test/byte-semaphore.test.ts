import { ByteSemaphore } from '../src/byte-semaphore';
import { TimeoutError } from '../src/errors';

const { signal } = new AbortController();

/** Lets everything that can go on do so. */
const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Enters requests, each of which stays in until it is ended. */
function entrance(gate: ByteSemaphore): {
  inside: string[];
  enter: (name: string, bytes: number, abortSignal?: AbortSignal) => Promise<void>;
  end: (name: string, error?: Error) => Promise<void>;
} {
  const inside: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  return {
    inside,
    enter: (name, bytes, abortSignal = signal) =>
      gate.run(bytes, abortSignal, () => {
        inside.push(name);
        return new Promise((resolve, reject) => ends.set(name, (error) => (error ? reject(error) : resolve())));
      }),
    async end(name, error) {
      inside.splice(inside.indexOf(name), 1);
      ends.get(name)!(error);
      await settle();
    },
  };
}

describe('the byte gate', () => {
  it('admits in order of arrival while there is room', async () => {
    const { inside, enter, end } = entrance(new ByteSemaphore(100, 60_000));
    const all = [enter('a', 60), enter('b', 40), enter('c', 50), enter('d', 10)];
    await settle();
    expect(inside).toEqual(['a', 'b']);

    // There is room for d, but c came first.
    await end('b');
    expect(inside).toEqual(['a']);
    await end('a');
    expect(inside).toEqual(['c', 'd']);

    await end('c');
    await end('d');
    await Promise.all(all);
  });

  it('admits what is over the limit alone', async () => {
    const { inside, enter, end } = entrance(new ByteSemaphore(100, 60_000));
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

  it('forgets one that aborts in the line, and lets the next one pass', async () => {
    const { inside, enter, end } = entrance(new ByteSemaphore(100, 60_000));
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

  it('is free again after requests that failed', async () => {
    const { inside, enter, end } = entrance(new ByteSemaphore(100, 60_000));
    const a = enter('a', 100);
    const b = enter('b', 100);
    await end('a', new Error('refused'));
    await expect(a).rejects.toThrow('refused');
    expect(inside).toEqual(['b']);
    await end('b');
    await b;
  });

  it('lets nobody wait on when nothing has got through for as long as a request may take', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
    try {
      const { inside, enter, end } = entrance(new ByteSemaphore(100, 1000));
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
