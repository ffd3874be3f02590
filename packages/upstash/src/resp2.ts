import { UpstashRequestError } from './errors';

/** A reply to one of the adapter's commands: an integer, bytes, or null. */
export type RespReply = number | Uint8Array | null;

/** The first line of an integer, a bulk string or an array: its type and its number. */
const FIRST_LINE = /^([:$*])(-?\d{1,15})\r\n/;

/**
 * Parses a response body that must be exactly one complete RESP2 reply. The bytes are a view of `body`.
 *
 * @throws UpstashRequestError that says what is wrong, without the content
 */
export function parseReply(body: Uint8Array): RespReply {
  const [line, type, digits] = FIRST_LINE.exec(toLatin1(body.subarray(0, 32))) ?? [];
  if (line === undefined) throw createParseError('it is not a RESP2 reply that the adapter knows');
  const number = Number(digits);
  if (type === '$' && number >= 0) {
    const end = line.length + number;
    expectLength(body, end + 2);
    if (toLatin1(body.subarray(end)) !== '\r\n') throw createParseError('its length does not match its content');
    return body.subarray(line.length, end);
  }
  expectLength(body, line.length);
  if (type === ':') return number;
  if (number !== -1) throw createParseError('it is an array');
  return null;
}

function expectLength(body: Uint8Array, length: number): void {
  if (body.length !== length) throw createParseError(`it has ${body.length} bytes instead of ${length}`);
}

function toLatin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

function createParseError(reason: string): UpstashRequestError {
  return new UpstashRequestError(`Upstash's response can't be parsed: ${reason}`);
}
