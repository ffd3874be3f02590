const INTERVAL_MS = 10_000;

/** Prints what is being done, and every ten seconds for how long and, with `status`, how far it is. */
export async function withProgress<T>(what: string, work: Promise<T>, status?: () => string): Promise<T> {
  console.log(`${what} ...`);
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
