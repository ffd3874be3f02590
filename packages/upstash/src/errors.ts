/**
 * Upstash refused a request, couldn't be reached, or sent a response that can't be parsed. The message contains the
 * server's own message, if it sent one, and never the token.
 *
 * @experimental
 */
export class UpstashRequestError extends Error {
  override name = 'UpstashRequestError';
}
