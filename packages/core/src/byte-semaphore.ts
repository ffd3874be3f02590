import { TimeoutError } from './errors';

interface Waiter {
  bytes: number;
  enter(): void;
  reject(error: Error): void;
}

/**
 * Bounds the bytes that requests hold at once; those beyond it wait in line. One that alone is over the limit gets in
 * when nothing else is in.
 */
export class ByteSemaphore {
  private bytesInFlight = 0;
  /** In order of arrival. */
  private readonly line = new Set<Waiter>();
  private stall: NodeJS.Timeout | undefined;

  /** Waiting ends in a {@link TimeoutError} once nothing has got through for `stallMs`: each request has that long. */
  constructor(
    private readonly limit: number,
    private readonly stallMs: number,
  ) {}

  /** Runs `request` when its turn has come, unless `abortSignal` aborts before: then rejects with its reason. */
  async run<Result>(bytes: number, abortSignal: AbortSignal, request: () => Promise<Result>): Promise<Result> {
    if (this.line.size > 0 || !this.hasRoomFor(bytes)) await this.wait(bytes, abortSignal);
    else this.bytesInFlight += bytes;
    try {
      const result = await request();
      this.stall?.refresh();
      return result;
    } finally {
      this.bytesInFlight -= bytes;
      this.admit();
    }
  }

  private hasRoomFor(bytes: number): boolean {
    return this.bytesInFlight === 0 || this.bytesInFlight + bytes <= this.limit;
  }

  private wait(bytes: number, abortSignal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      abortSignal.throwIfAborted();
      const leaveLine = (): void => {
        abortSignal.removeEventListener('abort', onAbort);
        this.line.delete(waiter);
      };
      const waiter: Waiter = {
        bytes,
        enter: () => {
          leaveLine();
          this.bytesInFlight += bytes;
          resolve();
        },
        reject: (error) => {
          leaveLine();
          reject(error);
        },
      };
      const onAbort = (): void => {
        waiter.reject(abortSignal.reason as Error);
        this.admit();
      };
      abortSignal.addEventListener('abort', onAbort);
      this.line.add(waiter);
      this.stall ??= setTimeout(() => this.giveUp(), this.stallMs);
    });
  }

  private admit(): void {
    for (const waiter of this.line) {
      if (!this.hasRoomFor(waiter.bytes)) return;
      waiter.enter();
    }
    clearTimeout(this.stall);
    this.stall = undefined;
  }

  private giveUp(): void {
    const error = new TimeoutError(
      `Redis answered none of the requests ahead within ${this.stallMs} ms (requestTimeout), ` +
        `which hold ${this.bytesInFlight} bytes (maxBytesInFlight is ${this.limit})`,
    );
    for (const waiter of this.line) waiter.reject(error);
    this.stall = undefined;
  }
}
