import type { Terminal } from '../command';

/** How long work may take without being mentioned, and how often its progress is written then. */
const INTERVAL_MS = 1000;
const CLEAR_LINE = '\r\u001B[K';

/**
 * Runs work, and writes `status()` every second in one line of stderr that is overwritten, from the first second on.
 * Writes nothing where stderr isn't a terminal.
 */
export async function withProgress<T>(
  { stderr }: Pick<Terminal, 'stderr'>,
  status: () => string,
  work: () => Promise<T>,
): Promise<T> {
  if (!stderr.isTTY) return work();
  let written = false;
  const timer = setInterval(() => {
    written = true;
    stderr.write(`${CLEAR_LINE}${status()}`);
  }, INTERVAL_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    if (written) stderr.write(CLEAR_LINE);
  }
}
