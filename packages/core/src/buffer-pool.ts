import { setTimeout } from './timers';

/** How often the idle buffers that nobody needed since the last time are freed, in milliseconds. */
const SWEEP_MS = 2000;

/** Node cuts smaller buffers out of a shared one. */
const MIN_SIZE = 4 * 1024;

/** Idle buffers of one capacity. */
interface SizeClass {
  idle: ArrayBuffer[];
  /** The fewest that were idle at once since the last sweep: so many weren't needed. */
  fewestIdle: number;
}

/**
 * Buffers that are used again: new ones cost page faults, and make V8 collect garbage. Idle buffers take at most the bytes that
 * `readRoom` answers, and are freed after a few seconds.
 */
export class BufferPool {
  private readonly classes = new Map<number, SizeClass>();
  private idleBytes = 0;
  private isSweeping = false;

  constructor(private readonly readRoom: () => number) {}

  /** A buffer of `size` bytes with any content. It is the caller's, who may give it back by {@link giveBack}. */
  take(size: number): Buffer<ArrayBuffer> {
    if (size < MIN_SIZE) return Buffer.allocUnsafe(size);
    const capacity = roundUp(size);
    const sizeClass = this.classes.get(capacity);
    const used = sizeClass?.idle.pop();
    if (sizeClass === undefined || used === undefined) {
      for (const each of this.classes.values()) this.drop(each, () => this.idleBytes > this.readRoom());
      return Buffer.allocUnsafeSlow(capacity).subarray(0, size);
    }
    this.idleBytes -= capacity;
    sizeClass.fewestIdle = Math.min(sizeClass.fewestIdle, sizeClass.idle.length);
    return Buffer.from(used, 0, size);
  }

  /** Keeps a buffer from {@link take}, which nobody may read or write any more, if there is room. */
  giveBack({ buffer, length }: Buffer<ArrayBuffer>): void {
    const capacity = buffer.byteLength;
    // The buffer's own bytes still count as in flight.
    if (length < MIN_SIZE || this.idleBytes + capacity > this.readRoom() + length) return;
    let sizeClass = this.classes.get(capacity);
    if (sizeClass === undefined) this.classes.set(capacity, (sizeClass = { idle: [], fewestIdle: 0 }));
    sizeClass.idle.push(buffer);
    this.idleBytes += capacity;
    this.sweepLater();
  }

  private sweepLater(): void {
    if (this.isSweeping) return;
    this.isSweeping = true;
    const timer = setTimeout(() => {
      this.isSweeping = false;
      this.sweep();
    }, SWEEP_MS);
    // It doesn't keep the process alive. A fake timer may be a number.
    timer.unref?.();
  }

  private sweep(): void {
    for (const [capacity, sizeClass] of this.classes) {
      this.drop(sizeClass, () => sizeClass.fewestIdle-- > 0);
      sizeClass.fewestIdle = sizeClass.idle.length;
      if (sizeClass.idle.length === 0) this.classes.delete(capacity);
    }
    if (this.idleBytes > 0) this.sweepLater();
  }

  private drop({ idle }: SizeClass, isTooMuch: () => boolean): void {
    while (idle.length > 0 && isTooMuch()) this.idleBytes -= idle.pop()!.byteLength;
  }
}

/** Rounds up by an eighth at most, so that payloads of about the same size share their buffers. */
function roundUp(size: number): number {
  const step = 2 ** Math.max(Math.floor(Math.log2(size)) - 3, 0);
  return Math.ceil(size / step) * step;
}
