import { createHash } from 'node:crypto';

/** The hash algorithm's name in claims and keys. There is no other. */
export const HASH_ALGORITHM = 'sha256';

/** Bytes hashed between yields; they take about half a millisecond. */
export const CHUNK_SIZE = 512 * 1024;

/** SHA-256 of `bytes` as 64 lower-case hex digits, hashed one chunk between yields. */
export function* hashInChunks(bytes: Uint8Array): Generator<void, string> {
  const hash = createHash(HASH_ALGORITHM);
  for (let start = 0; start < bytes.length; start += CHUNK_SIZE) {
    hash.update(bytes.subarray(start, start + CHUNK_SIZE));
    yield;
  }
  return hash.digest('hex');
}
