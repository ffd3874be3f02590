import { setTimeout as sleep } from 'node:timers/promises';

const TIMEOUT_MS = 30_000;

/** Waits until `check` holds for every subject; rejects after 30 seconds, saying what it was waiting for. */
export async function waitUntil<T>(
  what: string,
  subjects: T[],
  check: (subject: T) => Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS;
  while (!(await Promise.all(subjects.map(check))).every(Boolean)) {
    if (Date.now() > deadline) throw new Error(`Waited ${TIMEOUT_MS / 1000} seconds until ${what}`);
    await sleep(50);
  }
}
