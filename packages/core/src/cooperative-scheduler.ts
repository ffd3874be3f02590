import { setImmediate as nextRound } from 'node:timers/promises';

/** How long the lane may keep the event loop in one go, in milliseconds. */
const SLICE_MS = 3;

interface Job {
  /** Takes one step, or leaves the lane if it was the last. */
  step(): void;
}

interface Slice {
  /** On the lane's clock. */
  end: number;
  /** Once the event loop has gone round, timers included. */
  over: Promise<void>;
}

/**
 * Runs jobs that need the CPU, one after another, and lets the event loop go round whenever a slice of time is used up:
 * a worker polls and heartbeats on it. Yields inside each job alone don't do: those of concurrent jobs all run in the
 * same round. So all jobs of a round share one slice, those that come when the lane is idle included.
 */
export class CooperativeScheduler {
  private readonly jobs = new Set<Job>();
  private running = false;
  /** That of this round of the event loop, if it has begun. */
  private slice: Slice | undefined;

  /** `now` answers milliseconds. */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /**
   * Runs `steps` up to its end, when its turn has come, and resolves to what it returns. Rejects with what it throws, or
   * with the signal's reason as soon as that aborts, and takes no further step then.
   */
  run<Result>(abortSignal: AbortSignal, steps: Iterator<void, Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      abortSignal.throwIfAborted();
      const settle = (settlement: () => void): void => {
        this.jobs.delete(job);
        abortSignal.removeEventListener('abort', onAbort);
        settlement();
      };
      const onAbort = (): void => settle(() => reject(abortSignal.reason as Error));
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
      abortSignal.addEventListener('abort', onAbort);
      this.jobs.add(job);
      void this.work();
    });
  }

  private async work(): Promise<void> {
    if (this.running) return;
    this.running = true;
    for (const job of this.jobs) {
      while (this.jobs.has(job)) {
        // What begins between timers and immediates has these before the next timers.
        const slice = (this.slice ??= this.beginSlice(2));
        if (this.now() < slice.end) {
          job.step();
        } else {
          await slice.over;
          this.slice ??= this.beginSlice(1);
        }
      }
    }
    this.running = false;
  }

  /** `rounds` tells how many immediates are served until timers and I/O have had their turn too. */
  private beginSlice(rounds: number): Slice {
    const pass = async (): Promise<void> => {
      for (let round = 0; round < rounds; round++) await nextRound();
      this.slice = undefined;
    };
    return { end: this.now() + SLICE_MS, over: pass() };
  }
}

/** Of the whole process, as its event loop is. */
export const cpuScheduler = new CooperativeScheduler();
