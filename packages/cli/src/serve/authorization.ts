import { createHash, timingSafeEqual } from 'node:crypto';
import type { StorageReferenceRequest } from '@temporal-redis-storage/codec-server';
import { parseKey } from '@temporal-redis-storage/core';

/** Whether a request has the token. The comparison takes the same time for every wrong token. */
export function hasToken(request: Request, token: string): boolean {
  return timingSafeEqual(hash(request.headers.get('authorization') ?? ''), hash(`Bearer ${token}`));
}

/**
 * Holds namespaces and prefixes apart: a payload is served only to requests of its own namespace. A key that names no
 * namespace (of a Nexus operation, for instance) is served to every one.
 */
export function isOwnReference({ claim, namespace }: StorageReferenceRequest, keyPrefix: string): boolean {
  const parsed = parseKey(claim.claimData['key'] ?? '');
  if (parsed?.prefix !== keyPrefix) return false;
  return !parsed.target?.namespace || parsed.target.namespace === namespace;
}

function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
