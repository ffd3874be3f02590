import { onAbort } from './abort';
import { nextTurn, now } from './timers';

/** How long the scheduler may keep the event loop busy per turn, in milliseconds. */
const SLICE_MS = 3;

interface Job {
  /** Takes one step. The job is removed after its last. */
  step(): void;
}

interface Slice {
  /** When the slice is used up, on the scheduler's clock. */
  end: number;
  /** Resolves once the event loop has taken a turn, timers included. */
  over: Promise<void>;
}

/**
 * Runs jobs that need the CPU one after another, and lets the event loop take a turn whenever a time slice is used up: a
 * worker polls and heartbeats on that loop. Yielding inside each job is not enough: all concurrent jobs would resume in
 * the same turn of the event loop, so they share one time slice per turn. Jobs added while it is idle share it too.
 */
export class CooperativeScheduler {
  private readonly jobs = new Set<Job>();
  private running = false;
  /** The slice of this turn of the event loop; undefined before the turn's first job. */
  private slice: Slice | undefined;

  /** `clock` returns milliseconds. */
  constructor(private readonly clock: () => number = now) {}

  /**
   * Queues `steps`, runs it to its end, and resolves to its return value. Rejects with what it throws, or with the
   * signal's reason as soon as it aborts; no further step is taken then.
   */
  run<Result>(abortSignal: AbortSignal, steps: Iterator<void, Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      abortSignal.throwIfAborted();
      const settle = (settlement: () => void): void => {
        this.jobs.delete(job);
        stopListening();
        settlement();
      };
      const job: Job = {
        step() {
          try {
            const { done, value } = steps.next();
            if (done) settle(() => resolve(value));
          } catch (error) {
            settle(() => reject(error));
          }
        },
      };
      const stopListening = onAbort(abortSignal, (reason) => settle(() => reject(reason)));
      this.jobs.add(job);
      void this.work();
    });
  }

  private async work(): Promise<void> {
    if (this.running) return;
    this.running = true;
    for (const job of this.jobs) {
      while (this.jobs.has(job)) {
        // A slice begun in the poll phase sees one more setImmediate before timers run, so it waits for two.
        const slice = (this.slice ??= this.beginSlice(2));
        if (this.clock() < slice.end) {
          job.step();
        } else {
          await slice.over;
          this.slice ??= this.beginSlice(1);
        }
      }
    }
    this.running = false;
  }

  /** Begins a slice that is over after so many `setImmediate`s, when timers and I/O have had their turn too. */
  private beginSlice(immediates: number): Slice {
    const waitForTurn = async (): Promise<void> => {
      for (let count = 0; count < immediates; count++) await nextTurn();
      this.slice = undefined;
    };
    return { end: this.clock() + SLICE_MS, over: waitForTurn() };
  }
}

/** One for the whole process, which has one event loop. */
export const cpuScheduler = new CooperativeScheduler();
