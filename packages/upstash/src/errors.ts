/**
 * Upstash refused a request, couldn't be reached, or gave an answer that can't be read. The message holds the server's
 * words where there are any, and never the token.
 *
 * @experimental
 */
export class UpstashRequestError extends Error {
  override name = 'UpstashRequestError';
}
