import { setTimeout as sleep } from 'node:timers/promises';

/** The time that a piece of work took. */
export interface Times {
  wallMs: number;
  /** CPU time of all threads of this process: Node reports it per thread only since version 23. */
  cpuMs: number;
  /** The longest time for which a 1 ms timer did not run. */
  stallMs: number;
}

/** The time and memory that a piece of work took. */
export interface Cost extends Times {
  /** Peak memory above the level before the work, in bytes; the memory of buffers, unless stated otherwise. */
  memory: number;
}

/** Does the work and measures its time. */
export async function measureTimes(work: () => Promise<unknown>): Promise<Times> {
  let stallMs = 0;
  const cpu = process.cpuUsage();
  const start = performance.now();
  let last = start;
  const tick = (): void => {
    const now = performance.now();
    stallMs = Math.max(stallMs, now - last);
    last = now;
  };
  await tickDuring(work, tick);
  const { user, system } = process.cpuUsage(cpu);
  return { wallMs: last - start, cpuMs: (user + system) / 1000, stallMs };
}

/** Does the work after a garbage collection and returns the peak of `readBytes` above its level before the work. */
export async function measureMemory(
  work: () => Promise<unknown>,
  readBytes: () => number = readBufferBytes,
): Promise<number> {
  await collectGarbage();
  const before = readBytes();
  let memory = 0;
  await tickDuring(work, () => (memory = Math.max(memory, readBytes() - before)));
  return memory;
}

/** Calls `tick` every millisecond during the work, and once at its end. */
async function tickDuring(work: () => Promise<unknown>, tick: () => void): Promise<void> {
  const timer = setInterval(tick, 1);
  try {
    await work();
    tick();
  } finally {
    clearInterval(timer);
  }
}

function readBufferBytes(): number {
  return process.memoryUsage().arrayBuffers;
}

/**
 * Collects until nothing more is freed, because V8 frees the memory of buffers in the background, after a collection.
 */
async function collectGarbage(): Promise<void> {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('The benchmark needs node --expose-gc');
  for (let before = Infinity; readBufferBytes() < before; await sleep(10)) {
    before = readBufferBytes();
    gc();
  }
}
