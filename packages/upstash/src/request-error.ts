import { UpstashRequestError } from './errors';

/** Advice for the user, by status and server message. The first matching pattern is used. */
const ADVICE: [pattern: RegExp, advice: string][] = [
  [/max request size|^413/, "lower the driver's maxPayloadSize, or raise the plan's max request size (10 MB on most)"],
  [/^414|^431/, 'the key is too long for a server in between: use shorter workflow ids or a shorter keyPrefix'],
  [/WRONGPASS|NOAUTH|^401/, "check that the token is this database's UPSTASH_REDIS_REST_TOKEN"],
  [/NOPERM|^403/, 'use the standard token: a read-only one permits neither writes nor the EVAL that confirms a miss'],
  [/WRONGTYPE/, 'something else writes to this key: give the driver another keyPrefix'],
  [/OOM|capacity quota/, 'the database is full: give payloads a ttl, or raise the limit of the plan'],
  [/requests? limit|rate limit|^429/i, 'the rate limit or quota of the plan is reached: raise it, or send less'],
  [/^3|^404|^405/, "check that url is the database's REST URL: redirects are not followed"],
  [/^5/, 'Upstash is failing or unavailable: try again'],
];

/** The number of characters that are repeated of the server's message, because a proxy may send a whole page. */
const MAX_LENGTH = 300;

/** The error for a response that isn't a success, with the server's message and what to do. */
export function createRequestError(
  command: string,
  status: number,
  body: Uint8Array,
  token: string,
): UpstashRequestError {
  const serverMessage = parseServerMessage(body);
  const advice = ADVICE.find(([pattern]) => pattern.test(`${status} ${serverMessage}`))?.[1];
  const shown = serverMessage.replaceAll(token, '[token]').slice(0, MAX_LENGTH);
  const message = `Upstash refused ${command} (HTTP ${status})${shown && `: ${shown}`}`;
  return new UpstashRequestError(advice === undefined ? message : `${message}; ${advice}`);
}

/** The body of an error is RESP2, or JSON if the request didn't reach Redis, or a proxy's text. */
function parseServerMessage(body: Uint8Array): string {
  const text = Buffer.from(body)
    .toString()
    .replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
    .trim();
  if (text.startsWith('-')) return text.slice(1);
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    return typeof error === 'string' ? error : text;
  } catch {
    return text;
  }
}
