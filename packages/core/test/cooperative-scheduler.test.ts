import { readFile } from 'node:fs';
import { CHUNK_SIZE } from '../src/digest';
import { encodePayload, concatAndHash } from '../src/encoding';
import { CooperativeScheduler } from '../src/cooperative-scheduler';

const { signal } = new AbortController();

/** A job whose steps advance the clock by a millisecond each, and record their names. */
function* createSteps(name: string, count: number, done: string[], clock: { now: number }): Generator<void, string> {
  for (let step = 1; step <= count; step++) {
    done.push(`${name}${step}`);
    clock.now += 1;
    yield;
  }
  return name;
}

describe('the cooperative scheduler', () => {
  it('runs one job at a time, in order, and yields to the event loop after three milliseconds', async () => {
    const clock = { now: 0 };
    const done: string[] = [];
    const scheduler = new CooperativeScheduler(() => clock.now);
    let going = true;
    const recordTurns = (): void => {
      done.push('|');
      if (going) setImmediate(recordTurns);
    };

    const jobs = [
      scheduler.run(signal, createSteps('a', 4, done, clock)),
      scheduler.run(signal, createSteps('b', 4, done, clock)),
    ];
    expect(done).toEqual(['a1', 'a2', 'a3']);
    setImmediate(recordTurns);

    expect(await Promise.all(jobs)).toEqual(['a', 'b']);
    going = false;
    expect(done.join(' ')).toMatch(/^a1 a2 a3 (\| )+a4 b1 b2 \| b3 b4/);
  });

  it('gives all jobs added in one turn of the event loop one slice together', async () => {
    const clock = { now: 0 };
    const done: string[] = [];
    const scheduler = new CooperativeScheduler(() => clock.now);
    await scheduler.run(signal, createSteps('a', 2, done, clock));
    const next = scheduler.run(signal, createSteps('b', 2, done, clock));
    expect(done).toEqual(['a1', 'a2', 'b1']);
    await next;
    expect(done).toEqual(['a1', 'a2', 'b1', 'b2']);
  });

  it('lets due timers fire before the next slice, in whichever phase the first slice began', async () => {
    const clock = { now: 0 };
    const done: string[] = [];
    const scheduler = new CooperativeScheduler(() => clock.now);
    let due = 0;
    await new Promise<void>((resolve) => {
      // Called while the event loop polls: immediates come next, timers only after them.
      readFile(__filename, () => {
        due = performance.now() + 2;
        setTimeout(() => done.push('timer'), 1);
        resolve();
      });
    });

    const job = scheduler.run(signal, createSteps('a', 4, done, clock));
    while (performance.now() < due);
    await job;

    expect(done).toEqual(['a1', 'a2', 'a3', 'timer', 'a4']);
  });

  it('finishes a short job at once', () => {
    const done: string[] = [];
    void new CooperativeScheduler().run(signal, createSteps('a', 2, done, { now: 0 }));
    expect(done).toEqual(['a1', 'a2']);
  });

  it('runs no more steps of an aborted job, running or waiting, and continues with the next', async () => {
    const clock = { now: 0 };
    const done: string[] = [];
    const scheduler = new CooperativeScheduler(() => clock.now);
    const controller = new AbortController();
    const reason = new Error('enough');
    const a = scheduler.run(controller.signal, createSteps('a', 100, done, clock));
    const b = scheduler.run(controller.signal, createSteps('b', 1, done, clock));
    const c = scheduler.run(signal, createSteps('c', 1, done, clock));

    controller.abort(reason);

    await expect(a).rejects.toBe(reason);
    await expect(b).rejects.toBe(reason);
    await expect(c).resolves.toBe('c');
    expect(done).toEqual(['a1', 'a2', 'a3', 'c1']);
    await expect(scheduler.run(controller.signal, createSteps('d', 1, done, clock))).rejects.toBe(reason);
  });

  it('rejects with the error that a job throws, and continues with the next', async () => {
    const scheduler = new CooperativeScheduler();
    const failing = (function* (): Generator<void, never> {
      yield;
      throw new Error('broken');
    })();
    await expect(scheduler.run(signal, failing)).rejects.toThrow('broken');
    await expect(scheduler.run(signal, createSteps('a', 1, [], { now: 0 }))).resolves.toBe('a');
  });

  it('removes its abort listeners once its jobs are done', async () => {
    const controller = new AbortController();
    const remove = jest.spyOn(controller.signal, 'removeEventListener');
    const add = jest.spyOn(controller.signal, 'addEventListener');
    await new CooperativeScheduler().run(controller.signal, createSteps('a', 1, [], { now: 0 }));
    expect(remove.mock.calls).toEqual(add.mock.calls);
  });
});

describe('concatAndHash', () => {
  it('yields after each chunk that it copies and hashes', () => {
    const encoded = encodePayload({ data: new Uint8Array(10 * CHUNK_SIZE) });
    let count = 0;
    for (const copying = concatAndHash(encoded, (size) => Buffer.allocUnsafe(size)); !copying.next().done; count++);
    // The bytes before and after the data are separate pieces.
    expect(count).toBeGreaterThanOrEqual(10);
    expect(count).toBeLessThanOrEqual(12);
  });

  it('throws if the data is detached before it is done', () => {
    const data = new Uint8Array(2 * CHUNK_SIZE);
    const copying = concatAndHash(encodePayload({ data }), (size) => Buffer.allocUnsafe(size));
    copying.next();
    structuredClone(data.buffer, { transfer: [data.buffer] });
    expect(() => {
      while (!copying.next().done);
    }).toThrow('detached');
  });
});
