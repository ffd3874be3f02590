import { setTimeout as sleep } from 'node:timers/promises';
import type { UpstashSettings } from './settings';
import { UpstashRequestError } from './errors';

/** An HTTP response, received completely. */
export interface HttpResponse {
  status: number;
  headers: Headers;
  body: Uint8Array;
}

/** The longest `Retry-After` that is obeyed, in milliseconds. With a longer one, Temporal should retry later. */
const MAX_RETRY_AFTER = 2000;

/**
 * Sends a request until its status is neither 429 nor 5xx, or the retries are used up or would come too late. Resolves to
 * the last response. Rejects with the last failure, or with the signal's reason once it has aborted.
 */
export async function fetchWithRetries(
  { retries, backoff }: Pick<UpstashSettings, 'retries' | 'backoff'>,
  signal: AbortSignal | undefined,
  send: () => Promise<HttpResponse>,
): Promise<HttpResponse> {
  for (let retry = 0; ; retry++) {
    const response = await send().catch((cause: unknown) => {
      signal?.throwIfAborted();
      return new UpstashRequestError('Upstash did not answer', { cause });
    });
    const failed = response instanceof Error;
    if (!failed && response.status !== 429 && response.status < 500) return response;
    const retryAfter = failed ? 0 : parseRetryAfter(response.headers);
    if (!(retry < retries) || retryAfter > MAX_RETRY_AFTER) {
      if (failed) throw response;
      return response;
    }
    await sleep(Math.max(backoff(retry), retryAfter), undefined, signal && { signal }).catch(() => {});
  }
}

/** The delay in milliseconds. The header contains seconds or a date. */
function parseRetryAfter(headers: Headers): number {
  const value = headers.get('retry-after') ?? '0';
  const wait = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Math.max(wait || 0, 0);
}
