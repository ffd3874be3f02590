import { randomBytes, randomUUID } from 'node:crypto';
import type { Payload, StorageDriverStoreContext } from '@temporalio/common';

export const MIB = 1024 * 1024;

/** Payloads of one call. */
export interface Load {
  count: number;
  /** Of each payload's data, in bytes. */
  size: number;
}

export const LOADS: Load[] = [
  { count: 1, size: MIB / 4 },
  { count: 1, size: MIB },
  { count: 1, size: 10 * MIB },
  { count: 1, size: 50 * MIB },
  { count: 64, size: MIB / 4 },
  { count: 16, size: 4 * MIB },
  { count: 4, size: 50 * MIB },
];

/** Upstash takes 10 MiB of key and value in a request. */
export const UPSTASH_LOADS: Load[] = [...LOADS.filter(({ size }) => size < 10 * MIB), { count: 1, size: 9 * MIB }];

/** Larger than any payload here; the drivers' own limit is 50 MiB. */
export const MAX_PAYLOAD_SIZE = 256 * MIB;

/** `16 × 4 MiB` */
export function formatLoad({ count, size }: Load): string {
  return `${count} × ${size < MIB / 4 ? `${size / 1024} KiB` : `${size / MIB} MiB`}`;
}

export function countBytes({ count, size }: Load): number {
  return count * size;
}

/** Payloads that can't be compressed, and no two of which are equal. */
export function createPayloads({ count, size }: Load): Payload[] {
  return Array.from({ length: count }, () => ({
    metadata: { encoding: Buffer.from('binary/plain') },
    data: randomBytes(size),
  }));
}

/** A workflow of its own: what is stored for it, Redis doesn't have yet. */
export function createContext(): StorageDriverStoreContext {
  return {
    target: { kind: 'workflow', namespace: 'benchmark', type: 'benchmark', id: randomUUID(), runId: randomUUID() },
  };
}
