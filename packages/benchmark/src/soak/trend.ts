/** What a process holds when nothing is under way. */
export interface Sample {
  heapMiB: number;
  buffersMiB: number;
  rssMiB: number;
  /** Sockets, timers and the like. */
  resources: number;
  /** Of the abort signal that all calls share. */
  listeners: number;
}

/** How much each may have grown between the middle of a soak and its end, beyond a tenth. */
const SLACK: Sample = { heapMiB: 4, buffersMiB: 8, rssMiB: 64, resources: 8, listeners: 0 };

/**
 * What grew, in words; nothing if all has come back to where it was. The first third is for warming up. The least of each
 * third counts: a connection that is kept alive for a while comes and goes, a leak stays.
 */
export function findGrowth(samples: Sample[]): string[] {
  const third = Math.floor(samples.length / 3);
  if (third === 0) throw new Error(`A trend takes 3 samples at least, got ${samples.length}`);
  const [middle, end] = [samples.slice(third, -third), samples.slice(-third)];
  return (Object.keys(SLACK) as (keyof Sample)[]).flatMap((name) => {
    const [before, after] = [findLeast(middle, name), findLeast(end, name)];
    return after > before * 1.1 + SLACK[name] ? [`${name} grew from ${before.toFixed(1)} to ${after.toFixed(1)}`] : [];
  });
}

function findLeast(samples: Sample[], name: keyof Sample): number {
  return Math.min(...samples.map((sample) => sample[name]));
}
