import { onAbort } from './abort';
import { CapacityError, TimeoutError } from './errors';
import { clearTimeout, setTimeout } from './timers';

interface Waiter {
  bytes: number;
  resolve(): void;
  reject(error: Error): void;
}

/** A FIFO weighted semaphore over bytes in flight. A request larger than the limit runs alone. */
export class ByteSemaphore {
  private bytesInFlight = 0;
  /** Bytes of requests that the driver has given up on and the Redis library hasn't. */
  private heldBytes = 0;
  /** How many of these requests Redis did not answer in time. The others were aborted. */
  private unansweredRequests = 0;
  private readonly queue = new Set<Waiter>();
  private stallTimer: ReturnType<typeof setTimeout> | undefined;

  /** Waiting ends in a {@link TimeoutError} once no request has completed for `stallMs` milliseconds. */
  constructor(
    private readonly limit: number,
    private readonly stallMs: number,
  ) {}

  /** Bytes that would fit now; negative if a request larger than the limit runs. */
  get room(): number {
    return this.limit - this.bytesInFlight - this.heldBytes;
  }

  /**
   * Waits until `bytes` fit, and resolves to the function that releases them. Rejects with the signal's reason if it
   * aborts first, and at once if unanswered requests still hold so much that there is no room.
   */
  async acquire(bytes: number, abortSignal: AbortSignal): Promise<() => void> {
    if (this.unansweredRequests > 0 && this.heldBytes + bytes > this.limit) throw this.createCapacityError(bytes);
    if (this.queue.size > 0 || !this.fits(bytes)) await this.wait(bytes, abortSignal);
    else this.bytesInFlight += bytes;
    return () => {
      this.bytesInFlight -= bytes;
      this.drain();
    };
  }

  /** Counts the bytes of a request that was given up on, until the returned function is called. */
  hold(bytes: number, reason: 'aborted' | 'unanswered'): () => void {
    const unanswered = reason === 'unanswered' ? 1 : 0;
    let released = false;
    this.heldBytes += bytes;
    this.unansweredRequests += unanswered;
    return () => {
      if (released) return;
      released = true;
      this.heldBytes -= bytes;
      this.unansweredRequests -= unanswered;
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
    return bytes <= this.room || this.room === this.limit;
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
      `Timed out waiting for capacity: ${this.bytesInFlight + this.heldBytes} of ${this.limit} bytes in flight ` +
        `(maxBytesInFlight), and no request completed within ${this.stallMs} ms (requestTimeout)`,
    );
    for (const waiter of this.queue) waiter.reject(error);
    this.stallTimer = undefined;
  }

  private createCapacityError(bytes: number): CapacityError {
    return new CapacityError(
      `No capacity for ${bytes} bytes: the Redis library still holds ${this.heldBytes} bytes of requests that Redis did not ` +
        `answer in time (maxBytesInFlight is ${this.limit}). They are released once Redis answers or the connection is closed.`,
    );
  }
}
