import { onAbort } from './abort';
import { TimeoutError } from './errors';

interface Waiter {
  bytes: number;
  resolve(): void;
  reject(error: Error): void;
}

/** A FIFO weighted semaphore over bytes in flight. A request larger than the limit runs alone. */
export class ByteSemaphore {
  private bytesInFlight = 0;
  private readonly queue = new Set<Waiter>();
  private stallTimer: NodeJS.Timeout | undefined;

  /** Waiting ends in a {@link TimeoutError} once no request has completed for `stallMs` milliseconds. */
  constructor(
    private readonly limit: number,
    private readonly stallMs: number,
  ) {}

  /**
   * Waits until `bytes` fit, and resolves to the function that releases them. Rejects with the signal's reason if it
   * aborts first.
   */
  async acquire(bytes: number, abortSignal: AbortSignal): Promise<() => void> {
    if (this.queue.size > 0 || !this.fits(bytes)) await this.wait(bytes, abortSignal);
    else this.bytesInFlight += bytes;
    return () => {
      this.bytesInFlight -= bytes;
      this.drain();
    };
  }

  /** A request has completed, so those that wait get `stallMs` milliseconds once more. */
  recordProgress(): void {
    if (this.stallTimer === undefined) return;
    clearTimeout(this.stallTimer);
    this.startStallTimer();
  }

  private fits(bytes: number): boolean {
    return this.bytesInFlight === 0 || this.bytesInFlight + bytes <= this.limit;
  }

  private wait(bytes: number, abortSignal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      abortSignal.throwIfAborted();
      const leaveQueue = (): void => {
        stopListening();
        this.queue.delete(waiter);
      };
      const waiter: Waiter = {
        bytes,
        resolve: () => {
          leaveQueue();
          this.bytesInFlight += bytes;
          resolve();
        },
        reject: (error) => {
          leaveQueue();
          reject(error);
        },
      };
      const stopListening = onAbort(abortSignal, (reason) => {
        waiter.reject(reason);
        this.drain();
      });
      this.queue.add(waiter);
      if (this.stallTimer === undefined) this.startStallTimer();
    });
  }

  private startStallTimer(): void {
    this.stallTimer = setTimeout(() => this.rejectAll(), this.stallMs);
  }

  private drain(): void {
    for (const waiter of this.queue) {
      if (!this.fits(waiter.bytes)) return;
      waiter.resolve();
    }
    clearTimeout(this.stallTimer);
    this.stallTimer = undefined;
  }

  private rejectAll(): void {
    const error = new TimeoutError(
      `Timed out waiting for capacity: ${this.bytesInFlight} of ${this.limit} bytes in flight (maxBytesInFlight), ` +
        `and no request completed within ${this.stallMs} ms (requestTimeout)`,
    );
    for (const waiter of this.queue) waiter.reject(error);
    this.stallTimer = undefined;
  }
}
