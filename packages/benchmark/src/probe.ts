/** What a piece of work cost. */
export interface Cost {
  wallMs: number;
  /** Of all threads of this process: Node tells no thread's own before version 23. */
  cpuMs: number;
  /** The longest time for which a 1 ms timer was not served. */
  stallMs: number;
  /** The most that buffers held beyond what they held before, in bytes. */
  memory: number;
}

/** Does the work and answers what it cost, beginning with a heap that was just collected. */
export async function measure(work: () => Promise<unknown>): Promise<Cost> {
  collectGarbage();
  await new Promise((resolve) => setTimeout(resolve, 5));
  const before = buffers();
  let memory = 0;
  let stallMs = 0;
  const cpu = process.cpuUsage();
  const start = performance.now();
  let last = start;
  const tick = (): void => {
    const now = performance.now();
    stallMs = Math.max(stallMs, now - last);
    last = now;
    memory = Math.max(memory, buffers() - before);
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

function collectGarbage(): void {
  if (globalThis.gc === undefined) throw new Error('The benchmark needs node --expose-gc');
  globalThis.gc();
}
