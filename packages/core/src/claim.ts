import { StorageDriverClaim, ValueError } from '@temporalio/common';
import { HASH_ALGORITHM } from './digest';
import { findDigest } from './key';
import { formatKey, formatValue } from './format-value';

/** Where a payload is stored, and the digest that its bytes must have. */
export interface PayloadLocation {
  key: string;
  digest: string;
  /** The stored value's size in bytes, according to the claim; absent if the claim doesn't give it. */
  size?: number | undefined;
}

/** The claim for a stored payload, in the snake case that Temporal's Python sample driver reads. `size` is our addition. */
export function createClaim({ key, digest, size }: PayloadLocation & { size: number }): StorageDriverClaim {
  return new StorageDriverClaim({ key, hash_algorithm: HASH_ALGORITHM, hash_value: digest, size: String(size) });
}

/**
 * Checks a claim, which is untrusted: it comes from Event History, and whoever may start or signal a workflow can write
 * there. Only keys in this driver's format are accepted, so that a forged claim can't read other data of the same Redis.
 * Without a `hash_value` (a legacy claim), the digest at the end of the key counts.
 *
 * @throws ValueError if this driver can't have written the claim
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
  const digestAtEnd = findDigest(key);
  if (digestAtEnd === undefined) {
    throw new ValueError(`RedisStorageDriver claim key is not in this driver's key format [key=${formatValue(key)}]`);
  }
  if (algorithm && algorithm !== HASH_ALGORITHM) {
    throw new ValueError(
      `RedisStorageDriver unsupported hash algorithm [key=${formatKey(key)}]: expected ${HASH_ALGORITHM}, got ${formatValue(algorithm)}`,
    );
  }
  if (digest !== undefined && typeof digest !== 'string') {
    throw new ValueError(
      `RedisStorageDriver claim hash_value must be a string, got ${formatValue(digest)} [key=${formatKey(key)}]`,
    );
  }
  return { key, digest: digest || digestAtEnd, size: parseSize(size) };
}

/** Used only to bound memory, so an invalid size is ignored. */
function parseSize(size: unknown): number | undefined {
  return typeof size === 'string' && /^\d{1,15}$/.test(size) ? Number(size) : undefined;
}
