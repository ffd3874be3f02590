import { createHash } from 'node:crypto';

/** The one hash algorithm of this scheme, as claims and keys name it. */
export const HASH_ALGORITHM = 'sha256';

/** How many bytes are hashed between two chances to yield: half a millisecond's worth. */
export const CHUNK_SIZE = 512 * 1024;

/** SHA-256 of `bytes` as 64 lower-case hex digits, a chunk between yields. */
export function* hashInChunks(bytes: Uint8Array): Generator<void, string> {
  const hash = createHash(HASH_ALGORITHM);
  for (let start = 0; start < bytes.length; start += CHUNK_SIZE) {
    hash.update(bytes.subarray(start, start + CHUNK_SIZE));
    yield;
  }
  return hash.digest('hex');
}
