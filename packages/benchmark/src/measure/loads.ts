import { randomBytes, randomUUID } from 'node:crypto';
import type { Payload, StorageDriverStoreContext } from '@temporalio/common';

export const MIB = 1024 * 1024;

/** The payloads of one call. */
export interface Load {
  count: number;
  /** Size of each payload's data, in bytes. */
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

/** Upstash limits a request to 10 MiB, key and value included. */
export const UPSTASH_LOADS: Load[] = [...LOADS.filter(({ size }) => size < 10 * MIB), { count: 1, size: 9 * MIB }];

/** Above any payload of the benchmark; the drivers' default is 50 MiB. */
export const MAX_PAYLOAD_SIZE = 256 * MIB;

/** Formats a load, such as `16 × 4 MiB`. */
export function formatLoad({ count, size }: Load): string {
  return `${count} × ${size < MIB / 4 ? `${size / 1024} KiB` : `${size / MIB} MiB`}`;
}

export function countBytes({ count, size }: Load): number {
  return count * size;
}

/** Creates distinct payloads that can't be compressed. */
export function createPayloads({ count, size }: Load): Payload[] {
  return Array.from({ length: count }, () => ({
    metadata: { encoding: Buffer.from('binary/plain') },
    data: randomBytes(size),
  }));
}

/** Creates a context with a new workflow, for which Redis has no payloads yet. */
export function createContext(): StorageDriverStoreContext {
  return {
    target: { kind: 'workflow', namespace: 'benchmark', type: 'benchmark', id: randomUUID(), runId: randomUUID() },
  };
}
