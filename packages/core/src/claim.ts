import { StorageDriverClaim, ValueError } from '@temporalio/common';
import { HASH_ALGORITHM } from './digest';
import { digestInKey } from './key';
import { formatValue } from './format-value';

/** Where a payload is, and the digest that its bytes must have. */
export interface PayloadLocation {
  key: string;
  digest: string;
  /** Of the stored value in bytes, by the claim's own account; undefined if it says none. */
  size: number | undefined;
}

/** The claim for a stored payload, in the snake case that Temporal's Python sample driver reads; `size` is ours. */
export function createClaim({ key, digest, size }: PayloadLocation & { size: number }): StorageDriverClaim {
  return new StorageDriverClaim({ key, hash_algorithm: HASH_ALGORITHM, hash_value: digest, size: String(size) });
}

/**
 * Reads a claim, which is untrusted: it comes from Event History, which whoever may start or signal a workflow can
 * write. A key of another scheme is refused, so that a forged claim can't read other data of the same Redis. Without a
 * `hash_value` (a legacy claim) the digest at the end of the key stands.
 *
 * @throws ValueError on a claim that this driver can't have written
 */
export function parseClaim(claim: StorageDriverClaim): PayloadLocation {
  const {
    key,
    hash_algorithm: algorithm,
    hash_value: digest,
    size,
  } = (claim.claimData ?? {}) as Record<string, unknown>;
  if (typeof key !== 'string' || key === '') {
    throw new ValueError(`RedisStorageDriver claim has no key: claimData.key is ${formatValue(key)}`);
  }
  const digestAtEnd = digestInKey(key);
  if (digestAtEnd === undefined) {
    throw new ValueError(`RedisStorageDriver claim has a key of another scheme [key=${formatValue(key)}]`);
  }
  if (algorithm && algorithm !== HASH_ALGORITHM) {
    throw new ValueError(
      `RedisStorageDriver unsupported hash algorithm [key=${key}]: expected ${HASH_ALGORITHM}, got ${formatValue(algorithm)}`,
    );
  }
  if (digest !== undefined && typeof digest !== 'string') {
    throw new ValueError(
      `RedisStorageDriver claim has a hash_value that is no string [key=${key}]: ${formatValue(digest)}`,
    );
  }
  return { key, digest: digest || digestAtEnd, size: parseSize(size) };
}

/** It bounds memory and nothing else, so one that makes no sense is none. */
function parseSize(size: unknown): number | undefined {
  return typeof size === 'string' && /^\d{1,15}$/.test(size) ? Number(size) : undefined;
}
