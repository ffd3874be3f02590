import type { RedisConnectionOptions } from '../redis-connection';
import type { TemporalConnectionOptions } from '../temporal-connection';

/**
 * Options of `inspectWorkflow`.
 *
 * @experimental
 */
export interface InspectOptions extends RedisConnectionOptions, TemporalConnectionOptions {
  workflowId: string;
  /** Defaults to the latest run. */
  runId?: string;
  /** Judges only references of the driver with this name. Defaults to every reference with a key of this format. */
  driverName?: string;
  /** Reads each payload and compares its digest. False unless given: then only the size is compared. */
  verify?: boolean;
  /**
   * A directory, created if it doesn't exist, into which each payload is written, in files that only their owner can
   * read. Existing files are never overwritten. Implies `verify`.
   */
  save?: string;
  /** Interrupts the inspection, which then rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Called now and then with the number of references found so far. */
  onProgress?: (references: number) => void;
}

/**
 * A place in a run's history, or in its present state, that refers to an offloaded payload.
 *
 * @experimental
 */
export interface InspectedReference {
  /** Null for references that the run holds now, outside its history: its memo, its pending activities. */
  eventId: number | null;
  /** The type of the event, such as `ActivityTaskCompleted`; `Now` for references outside the history. */
  event: string;
  /** The field of the event, such as `result` or `header.tracing`. */
  field: string;
  driverName: string;
  /**
   * True if the payload belongs to a child or to another workflow, which was started or signaled with it: this history
   * shows it, and replay doesn't read it. It lives as long as that workflow needs it, and isn't judged here.
   */
  isCopy: boolean;
  /** Null if the reference has none. */
  key: string | null;
  /** The bytes that Redis holds, or those that the reference names; null if neither is known. */
  size: number | null;
  /** Null if the reference wasn't judged: it is another driver's. */
  state: 'present' | 'missing' | 'corrupt' | null;
  /** Milliseconds until the payload expires; null if it never does, or isn't in Redis. */
  ttlMs: number | null;
  /** When Temporal deletes the run, as an ISO date; null while the run is open, and for a copy. */
  neededUntil: string | null;
  /** Whether the payload lives until then; null while the run is open, for a copy, and where the reference wasn't judged. */
  outlives: boolean | null;
}

/**
 * A run and its references.
 *
 * @experimental
 */
export interface InspectResult {
  workflowId: string;
  runId: string;
  /** `Running`, `Completed`, … */
  status: string;
  references: InspectedReference[];
}
