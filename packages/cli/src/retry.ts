import { setTimeout as sleep } from 'node:timers/promises';

const MAX_ATTEMPTS = 6;
const FIRST_DELAY_MS = 200;

/** Replies that stay the same however often Redis is asked. */
const FINAL_REPLY = /^(?:ERR|NOPERM|NOAUTH|WRONGPASS|WRONGTYPE|READONLY|NOSCRIPT) /;

/** Repeats a Redis command that failed for some six seconds: a lost connection, a failover, a Redis that starts. */
export async function retryCommand<T>(command: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    signal?.throwIfAborted();
    try {
      return await command();
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || FINAL_REPLY.test((error as Error).message)) throw error;
      // After an abort the next attempt rejects with its reason.
      await sleep(FIRST_DELAY_MS * 2 ** (attempt - 1), undefined, { signal }).catch(() => {});
    }
  }
}
