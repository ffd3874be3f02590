/** Memory and resources of the idle process. */
export interface Sample {
  heapMiB: number;
  buffersMiB: number;
  rssMiB: number;
  /** Number of active resources, such as sockets and timers. */
  resources: number;
  /** Listeners on the abort signal that all calls share. */
  listeners: number;
}

/** Allowed growth between the middle and the end of a soak, in addition to ten percent. */
const SLACK: Sample = { heapMiB: 4, buffersMiB: 8, rssMiB: 64, resources: 8, listeners: 0 };

/**
 * Describes each value that grew between the second and the last third of a soak; the first third is the warm-up. The
 * minimum of each third counts, because a leak raises it and a connection that is kept alive for a while does not.
 */
export function findGrowth(samples: Sample[]): string[] {
  const third = Math.floor(samples.length / 3);
  if (third === 0) throw new Error(`A trend needs at least 3 samples, got ${samples.length}`);
  const [middle, end] = [samples.slice(third, -third), samples.slice(-third)];
  return (Object.keys(SLACK) as (keyof Sample)[]).flatMap((name) => {
    const [before, after] = [findMinimum(middle, name), findMinimum(end, name)];
    return after > before * 1.1 + SLACK[name] ? [`${name} grew from ${before.toFixed(1)} to ${after.toFixed(1)}`] : [];
  });
}

function findMinimum(samples: Sample[], name: keyof Sample): number {
  return Math.min(...samples.map((sample) => sample[name]));
}
