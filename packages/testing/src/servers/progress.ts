const INTERVAL_MS = 10_000;

/** Prints the name of the work, and every ten seconds the elapsed time and the `status`, if there is one. */
export async function withProgress<T>(name: string, work: Promise<T>, status?: () => string): Promise<T> {
  console.log(`${name} ...`);
  const startedAt = Date.now();
  const timer = setInterval(() => {
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    console.log(`  ${[`${seconds} s`, status?.()].filter(Boolean).join(', ')}`);
  }, INTERVAL_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}
