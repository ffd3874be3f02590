import { HttpError } from './http-error';

/** The headers that the Web UI sends. */
const ALLOWED_HEADERS = 'content-type, x-namespace, authorization, authorization-extras';

/** Two hours, beyond which Chrome doesn't go. */
const MAX_AGE_SECONDS = 7200;

/** The CORS headers of every answer. */
export function buildCorsHeaders(request: Request, allowedOrigins: ReadonlySet<string>): Record<string, string> {
  const origin = request.headers.get('origin');
  if (origin === null || !allowedOrigins.has(origin)) return { Vary: 'Origin' };
  return { Vary: 'Origin', 'Access-Control-Allow-Origin': origin, 'Access-Control-Allow-Credentials': 'true' };
}

/** The further headers of the answer to a preflight request. */
export const PREFLIGHT_HEADERS = {
  'Access-Control-Allow-Methods': 'POST, OPTIONS',
  'Access-Control-Allow-Headers': ALLOWED_HEADERS,
  'Access-Control-Max-Age': String(MAX_AGE_SECONDS),
};

/**
 * Refuses requests of foreign pages. A browser sends a POST of plain text without a preflight, so it isn't enough to keep
 * the answer from the page: the request could have stored something by then.
 */
export function checkOrigin(request: Request, allowedOrigins: ReadonlySet<string>): void {
  const origin = request.headers.get('origin');
  if (origin !== null && !allowedOrigins.has(origin)) {
    throw new HttpError('The origin of this page is not among the allowedOrigins of the codec server', 403);
  }
}
