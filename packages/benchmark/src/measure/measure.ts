import { setTimeout as sleep } from 'node:timers/promises';

/** What a piece of work takes. */
export interface Times {
  wallMs: number;
  /** Of all threads of this process: Node tells no thread's own before version 23. */
  cpuMs: number;
  /** The longest time for which a 1 ms timer was not served. */
  stallMs: number;
}

/** What a piece of work cost. */
export interface Cost extends Times {
  /** The most that was held beyond what was held before, in bytes: by buffers, unless something else was watched. */
  memory: number;
}

/** Does the work and answers what it takes. */
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
  await measureStall(tick, work);
  const { user, system } = process.cpuUsage(cpu);
  return { wallMs: last - start, cpuMs: (user + system) / 1000, stallMs };
}

/** Does the work, beginning with a heap that was just collected, and answers what it held. `held` answers bytes. */
export async function measureMemory(work: () => Promise<unknown>, held: () => number = buffers): Promise<number> {
  await collectGarbage();
  const before = held();
  let memory = 0;
  await measureStall(() => (memory = Math.max(memory, held() - before)), work);
  return memory;
}

/** Ticks every millisecond while the work is being done, and once it is. */
async function measureStall(tick: () => void, work: () => Promise<unknown>): Promise<void> {
  const timer = setInterval(tick, 1);
  try {
    await work();
    tick();
  } finally {
    clearInterval(timer);
  }
}

function buffers(): number {
  return process.memoryUsage().arrayBuffers;
}

/** Until nothing more is freed: buffers that a collection found are let go in the background, and later. */
async function collectGarbage(): Promise<void> {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('The benchmark needs node --expose-gc');
  for (let before = Infinity; buffers() < before; await sleep(10)) {
    before = buffers();
    gc();
  }
}
