import { setTimeout as sleep } from 'node:timers/promises';

/** What a piece of work cost. */
export interface Cost {
  wallMs: number;
  /** Of all threads of this process: Node tells no thread's own before version 23. */
  cpuMs: number;
  /** The longest time for which a 1 ms timer was not served. */
  stallMs: number;
  /** The most that was held beyond what was held before, in bytes: by buffers, unless something else was watched. */
  memory: number;
}

/** Does the work and answers what it cost, beginning with a heap that was just collected. `held` answers bytes. */
export async function measure(work: () => Promise<unknown>, held: () => number = buffers): Promise<Cost> {
  await collectGarbage();
  const before = held();
  let memory = 0;
  let stallMs = 0;
  const cpu = process.cpuUsage();
  const start = performance.now();
  let last = start;
  const tick = (): void => {
    const now = performance.now();
    stallMs = Math.max(stallMs, now - last);
    last = now;
    memory = Math.max(memory, held() - before);
  };
  const timer = setInterval(tick, 1);
  try {
    await work();
    tick();
    const { user, system } = process.cpuUsage(cpu);
    return { wallMs: last - start, cpuMs: (user + system) / 1000, stallMs, memory };
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
