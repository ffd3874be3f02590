import { randomUUID } from 'node:crypto';
import { HttpError } from './http-error';

/** How much of a string is worth to be taken out, in bytes. */
const MIN_LENGTH = 1024;

/** How many arrays, objects and separators a text may hold. A hundred thousand references have six hundred thousand. */
const MAX_STRUCTURE = 1_000_000;

/** Such characters mean the same in JSON as they do outside. */
const BASE64 = /^[A-Za-z0-9+/=_-]*$/;

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const BRACE = 0x7b;

/**
 * Parses a JSON text that arrives in chunks. Long base64 values are taken out of it on the way, a chunk at a time, because
 * `JSON.parse` would keep the event loop for as long as it takes to read all of them. Marks stand in their places.
 */
export class LongStringParser {
  /** Nobody can know it in time to send it. */
  private readonly mark = randomUUID();
  private readonly longStrings: string[] = [];
  /** The text without its long strings. */
  private readonly rest: Buffer[] = [];
  private structure = 0;
  private inString = false;
  /** Whether the current string is the value of a property, and has had no escape. */
  private isPlainValue = false;
  private isEscaped = false;
  private isAfterColon = false;

  /** @throws HttpError 413 if there are more values than memory might hold once they are parsed */
  add(chunk: Buffer): void {
    let restStart = 0;
    let stringStart = 0;
    const endString = (end: number): void => {
      if (!this.isPlainValue || end - stringStart < MIN_LENGTH) return;
      const text = chunk.toString('latin1', stringStart, end);
      if (!BASE64.test(text)) return;
      this.keep(chunk, restStart, stringStart);
      this.rest.push(Buffer.from(`${this.mark}${this.longStrings.push(text) - 1}${this.mark}`));
      restStart = end;
    };
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (this.isEscaped) {
        this.isEscaped = false;
      } else if (this.inString) {
        if (byte === QUOTE) {
          endString(at);
          this.inString = false;
          this.isAfterColon = false;
        } else if (byte === BACKSLASH) {
          this.isEscaped = true;
          this.isPlainValue = false;
        }
      } else if (byte === QUOTE) {
        this.inString = true;
        this.isPlainValue = this.isAfterColon;
        stringStart = at + 1;
      } else if (byte > SPACE) {
        this.isAfterColon = byte === COLON;
        if (byte === COMMA || byte === BRACKET || byte === BRACE) this.structure++;
      }
    }
    if (this.inString) endString(chunk.length);
    this.keep(chunk, restStart, chunk.length);
    if (this.structure > MAX_STRUCTURE) {
      throw new HttpError(`The request body has more than ${MAX_STRUCTURE} values`, 413);
    }
  }

  /** Parses what was added. Values that were taken out have marks in them, see {@link expand}. */
  parse(): unknown {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(this.rest)));
  }

  /** The pieces, in order, of a string that {@link parse} returned as the value of a property. */
  expand(text: string): string[] {
    return text.split(this.mark).map((piece, index) => (index % 2 === 0 ? piece : this.longStrings[Number(piece)]!));
  }

  /** Copies, as a view would keep the whole chunk in memory. */
  private keep(chunk: Buffer, start: number, end: number): void {
    if (end > start) this.rest.push(Buffer.from(chunk.subarray(start, end)));
  }
}
