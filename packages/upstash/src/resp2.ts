import { UpstashRequestError } from './errors';

/** What the adapter's commands reply: an integer, bytes, or nothing. */
export type RespReply = number | Uint8Array | null;

/** The first line of an integer, a bulk string or an array: its type, and its number. */
const FIRST_LINE = /^([:$*])(-?\d{1,15})\r\n/;

/**
 * Reads an answer that must be one RESP2 reply, whole and with nothing after it. Bytes are a view of `answer`.
 *
 * @throws UpstashRequestError that tells what is wrong, without the content
 */
export function parseReply(answer: Uint8Array): RespReply {
  const [line, type, digits] = FIRST_LINE.exec(toLatin1(answer.subarray(0, 32))) ?? [];
  if (line === undefined) throw createParseError('it is no RESP2 reply that the adapter knows');
  const number = Number(digits);
  if (type === '$' && number >= 0) {
    const end = line.length + number;
    expectLength(answer, end + 2);
    if (toLatin1(answer.subarray(end)) !== '\r\n') throw createParseError('its bytes do not end where it says');
    return answer.subarray(line.length, end);
  }
  expectLength(answer, line.length);
  if (type === ':') return number;
  if (number !== -1) throw createParseError('it is an array');
  return null;
}

function expectLength(answer: Uint8Array, length: number): void {
  if (answer.length !== length) throw createParseError(`it has ${answer.length} bytes instead of ${length}`);
}

function toLatin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

function createParseError(reason: string): UpstashRequestError {
  return new UpstashRequestError(`Upstash's answer can't be read: ${reason}`);
}
