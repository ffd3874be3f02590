import { setTimeout as sleep } from 'node:timers/promises';

const TIMEOUT_MS = 30_000;

/** Waits until `check` is true for every subject. Rejects after 30 seconds with an error that names the condition. */
export async function waitUntil<T>(
  condition: string,
  subjects: T[],
  check: (subject: T) => Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS;
  while (!(await Promise.all(subjects.map(check))).every(Boolean)) {
    if (Date.now() > deadline)
      throw new Error(`Timed out after ${TIMEOUT_MS / 1000} seconds while waiting until ${condition}`);
    await sleep(50);
  }
}
