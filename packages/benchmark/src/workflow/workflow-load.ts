import type { UpstashCredentials } from '@temporal-redis-storage/upstash';
import { MIB, type Load } from '../measure/loads';

/** What a workflow can keep its payloads in. */
export type StorageName = 'node-redis' | 'ioredis' | 'Upstash' | 'S3 driver' | 'no storage';

/** Payloads of one history: half of them activities' arguments, half their results. No two are equal: 256 at most. */
export interface WorkflowLoad extends Load {
  /** How many activities run at a time. */
  atOnce: number;
  /** The last one is what the others are compared with. */
  storages: readonly StorageName[];
}

export interface Activities {
  /** Answers as many bytes as it got, and others. */
  answer(bytes: Uint8Array): Promise<Uint8Array>;
}

/** Where the storages' servers are. */
export interface StorageAddresses {
  redis: string;
  upstash: UpstashCredentials;
  s3: string;
}

/** One workflow over one storage. */
export interface WorkflowRun {
  load: WorkflowLoad;
  storage: StorageName;
  addresses: StorageAddresses;
  temporal: { address: string; namespace: string };
  /** The file of the workflows' bundle. */
  codePath: string;
}

const STORAGES = ['node-redis', 'ioredis', 'Upstash', 'S3 driver'] as const;

export const WORKFLOW_LOADS: WorkflowLoad[] = [
  { count: 200, size: MIB, atOnce: 10, storages: STORAGES },
  // The most that Temporal itself takes: 50 MB of history, and 4 MB of commands at a time.
  { count: 48, size: MIB, atOnce: 2, storages: [...STORAGES, 'no storage'] },
];
