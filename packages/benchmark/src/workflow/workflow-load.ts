import type { UpstashCredentials } from '@temporal-redis-storage/upstash';
import { MIB, type Load } from '../measure/loads';

/** The places where a workflow can keep its payloads. */
export type StorageName = 'node-redis' | 'ioredis' | 'Upstash' | 'S3 driver' | 'no storage';

/**
 * The payloads of one history, half arguments and half results of activities. At most 256, so that all are distinct.
 */
export interface WorkflowLoad extends Load {
  /** Number of activities that run at a time. */
  concurrency: number;
  /** The storages to measure. The last one is the reference for the others. */
  storages: readonly StorageName[];
}

export interface Activities {
  /** Returns the same number of bytes with other values. */
  replaceBytes(bytes: Uint8Array): Promise<Uint8Array>;
}

/** Addresses of the storages' servers. */
export interface StorageAddresses {
  redis: string;
  upstash: UpstashCredentials;
  s3: string;
}

/** One workflow run with one storage. */
export interface WorkflowRun {
  load: WorkflowLoad;
  storage: StorageName;
  addresses: StorageAddresses;
  temporal: { address: string; namespace: string };
  /** Path of the workflow bundle. */
  codePath: string;
}

const STORAGES = ['node-redis', 'ioredis', 'Upstash', 'S3 driver'] as const;

export const WORKFLOW_LOADS: WorkflowLoad[] = [
  { count: 200, size: MIB, concurrency: 10, storages: STORAGES },
  // Fits Temporal's own limits: 50 MB of history, and 4 MB of commands per workflow task.
  { count: 48, size: MIB, concurrency: 2, storages: [...STORAGES, 'no storage'] },
];
