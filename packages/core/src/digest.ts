import { createHash } from 'node:crypto';

/** The one hash algorithm of this scheme, as claims and keys name it. */
export const HASH_ALGORITHM = 'sha256';

/** SHA-256 of `bytes` as 64 lower-case hex digits. */
export function digestOf(bytes: Uint8Array): string {
  return createHash(HASH_ALGORITHM).update(bytes).digest('hex');
}
