import { setTimeout as sleep } from 'node:timers/promises';
import type { UpstashSettings } from './settings';
import { UpstashRequestError } from './errors';

/** An HTTP answer, received whole. */
export interface HttpResponse {
  status: number;
  headers: Headers;
  body: Uint8Array;
}

/** The longest wait that a server may ask for, in milliseconds; beyond it Temporal had better try again later. */
const MAX_RETRY_AFTER = 2000;

/**
 * Sends a request, which obeys the signal, until it is answered with something else than 429 or 5xx, or the retries are
 * used up or would come too late. Resolves to the last answer, rejects with the last failure, or with the signal's reason once it has aborted.
 */
export async function fetchWithRetries(
  { retries, backoff }: Pick<UpstashSettings, 'retries' | 'backoff'>,
  signal: AbortSignal | undefined,
  send: () => Promise<HttpResponse>,
): Promise<HttpResponse> {
  for (let retry = 0; ; retry++) {
    const answer = await send().catch((cause: unknown) => {
      signal?.throwIfAborted();
      return new UpstashRequestError('Upstash did not answer', { cause });
    });
    const failed = answer instanceof Error;
    if (!failed && answer.status !== 429 && answer.status < 500) return answer;
    const retryAfter = failed ? 0 : parseRetryAfter(answer.headers);
    if (!(retry < retries) || retryAfter > MAX_RETRY_AFTER) {
      if (failed) throw answer;
      return answer;
    }
    await sleep(Math.max(backoff(retry), retryAfter), undefined, signal && { signal }).catch(() => {});
  }
}

/** In milliseconds; the header holds seconds or a date. */
function parseRetryAfter(headers: Headers): number {
  const value = headers.get('retry-after') ?? '0';
  const wait = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Math.max(wait || 0, 0);
}
