/** How much to convert between two pauses, in characters and in bytes: multiples of 4 and 3. */
export const SLICE_CHARACTERS = 1024 * 1024;
const SLICE_BYTES = (SLICE_CHARACTERS / 4) * 3;

const BASE64 = /^[A-Za-z0-9+/_-]*$/;

/**
 * Decodes base64, padded or not, in the standard or the URL-safe alphabet, as proto JSON allows. Returns undefined for
 * other text. Yields after each slice, so that the event loop can turn in between.
 */
export function* decodeBase64(text: string): Generator<void, Uint8Array | undefined> {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const length = text.length - padding;
  if (length % 4 === 1 || (padding > 0 && text.length % 4 !== 0)) return undefined;
  const bytes = Buffer.alloc(Math.floor((length * 3) / 4));
  for (let start = 0; start < length; start += SLICE_CHARACTERS) {
    const slice = text.slice(start, Math.min(start + SLICE_CHARACTERS, length));
    if (!BASE64.test(slice)) return undefined;
    bytes.write(slice, (start / 4) * 3, 'base64');
    yield;
  }
  return bytes;
}

/** Encodes bytes as base64, a slice at a time. */
export function* encodeBase64(bytes: Uint8Array): Generator<string> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let start = 0; start < buffer.length; start += SLICE_BYTES) {
    yield buffer.toString('base64', start, start + SLICE_BYTES);
  }
}
