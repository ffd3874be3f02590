/** How much to convert between two pauses, in characters and in bytes: multiples of 4 and 3. */
export const SLICE_CHARACTERS = 1024 * 1024;
const SLICE_BYTES = (SLICE_CHARACTERS / 4) * 3;

const BASE64 = /^[A-Za-z0-9+/_-]*$/;

/**
 * Decodes base64, padded or not, in the standard or the URL-safe alphabet, as proto JSON allows. The text comes in pieces.
 * Returns undefined for other text. Yields after each slice, so that the event loop can turn in between.
 */
export function* decodeBase64(pieces: readonly string[]): Generator<void, Uint8Array | undefined> {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const bytes = Buffer.alloc(Math.floor((length * 3) / 4));
  let [read, written, rest] = [0, 0, ''];
  for (const slice of cutIntoSlices(pieces)) {
    read += slice.length;
    const text = rest + slice;
    const end = read === length ? measureWithoutPadding(text) : text.length - (text.length % 4);
    if (end % 4 === 1 || !BASE64.test(text.slice(0, end))) return undefined;
    written += bytes.write(text.slice(0, end), written, 'base64');
    rest = text.slice(end);
    yield;
  }
  return bytes.subarray(0, written);
}

function* cutIntoSlices(pieces: readonly string[]): Generator<string> {
  for (const piece of pieces) {
    for (let start = 0; start < piece.length; start += SLICE_CHARACTERS) {
      yield piece.slice(start, start + SLICE_CHARACTERS);
    }
  }
}

/** The length of a text's end without its padding. Padding that completes no group of four is left for the pattern to refuse. */
function measureWithoutPadding(text: string): number {
  if (text.length % 4 !== 0) return text.length;
  return text.length - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0);
}

/** Encodes bytes as base64, a slice at a time. */
export function* encodeBase64(bytes: Uint8Array): Generator<string> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let start = 0; start < buffer.length; start += SLICE_BYTES) {
    yield buffer.toString('base64', start, start + SLICE_BYTES);
  }
}
