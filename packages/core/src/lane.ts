/** How long the lane may keep the event loop in one go, in milliseconds. */
const SLICE_MS = 3;

interface Job {
  /** Takes one step; true once the job is over. */
  step(): boolean;
}

/**
 * Runs jobs that need the CPU, one after another, and lets the event loop go round whenever a slice of time is used up:
 * a worker polls and heartbeats on it. Yields inside each job alone don't do: those of concurrent jobs all run in the
 * same round.
 */
export class Lane {
  private readonly jobs = new Set<Job>();
  private running = false;

  /** `now` answers milliseconds. */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /**
   * Runs `steps` up to its end, when its turn has come, and resolves to what it returns. Rejects with what it throws, or
   * with the signal's reason as soon as that aborts, and takes no further step then.
   */
  run<Result>(abortSignal: AbortSignal, steps: Iterator<void, Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      abortSignal.throwIfAborted();
      const settle = (settlement: () => void): true => {
        this.jobs.delete(job);
        abortSignal.removeEventListener('abort', onAbort);
        settlement();
        return true;
      };
      const onAbort = (): void => void settle(() => reject(abortSignal.reason as Error));
      const job: Job = {
        step() {
          try {
            const { done, value } = steps.next();
            return done ? settle(() => resolve(value)) : false;
          } catch (error) {
            return settle(() => reject(error));
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
    let sliceEnd = this.now() + SLICE_MS;
    for (const job of this.jobs) {
      while (this.jobs.has(job) && !job.step()) {
        if (this.now() < sliceEnd) continue;
        await new Promise(setImmediate);
        sliceEnd = this.now() + SLICE_MS;
      }
    }
    this.running = false;
  }
}

/** Of the whole process, as its event loop is. */
export const lane = new Lane();
