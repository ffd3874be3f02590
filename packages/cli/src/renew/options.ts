import { ValueError, type Duration } from '@temporalio/common';
import { parseDuration } from '../durations';
import type { RedisConnectionOptions } from '../redis-connection';
import { resolveKeyPrefix } from '../scan';
import type { TemporalConnectionOptions } from '../temporal-connection';

/** How far a renewal is. */
export type RenewProgress = Readonly<RenewResult>;

/**
 * Options of `renewPayloads`, which is to run at least twice within the namespace's retention: Temporal forgets with a
 * deleted child which parent still refers to its payloads.
 *
 * @experimental
 */
export interface RenewOptions extends RedisConnectionOptions, TemporalConnectionOptions {
  /** How long payloads of an open run live from now on: the driver's own `ttl`. Required. */
  ttl: Duration;
  /** Only keys that expire within this time are looked at. Defaults to half of `ttl`. Renew at least twice within it. */
  within?: Duration;
  /**
   * How much longer than the namespace's retention the payloads of a closed run live. Defaults to two days, or to
   * `within` if that is shorter. Must be longer than the time between two renewals.
   */
  margin?: Duration;
  /** The driver's `keyPrefix`. Defaults to `temporalio:payloads`. */
  keyPrefix?: string;
  /** What happens to keys that don't say whose they are. Defaults to `extend`. */
  unscoped?: 'extend' | 'skip';
  /** Requests to Temporal in a second, at most. Defaults to 10, which every server allows. */
  maxRps?: number;
  /** Counts, and changes nothing. False unless given. */
  dryRun?: boolean;
  /** Interrupts the renewal, which then rejects with the signal's reason. Keys that were extended stay extended. */
  signal?: AbortSignal;
  /** Called with each request to Temporal, and after some thousand keys: for a heartbeat, for instance. */
  onProgress?: (progress: RenewProgress) => void;
}

/**
 * Numbers of keys.
 *
 * @experimental
 */
export interface RenewResult {
  /** Keys of the namespace, and keys that name none, under the prefix. */
  scanned: number;
  /** Scanned keys that expire within `within`. */
  expiring: number;
  /** Keys that live longer now (or would, in a dry run), `unscoped` and `unanswered` ones included. */
  extended: number;
  /** Keys that nobody needs: they expire by themselves. */
  left: number;
  /** Expiring keys of which nobody can say who needs them. */
  unscoped: number;
  /** Expiring keys about which Temporal couldn't be asked: they were extended. */
  unanswered: number;
  /** Why Temporal couldn't be asked, the last time. Absent if every key was answered. */
  failure?: string;
  dryRun: boolean;
}

export interface ResolvedRenewOptions {
  ttlMs: number;
  withinMs: number;
  marginMs: number;
  keyPrefix: string;
  skipUnscoped: boolean;
  maxRps: number;
  dryRun: boolean;
}

const DEFAULT_MAX_RPS = 10;
const DEFAULT_MARGIN_MS = 2 * 86_400_000;

/** @throws ValueError that names the option and what it got */
export function resolveRenewOptions(options: RenewOptions): ResolvedRenewOptions {
  const { unscoped = 'extend', maxRps = DEFAULT_MAX_RPS, dryRun = false } = options;
  const ttlMs = parseDuration('ttl', options.ttl);
  const withinMs = options.within === undefined ? Math.ceil(ttlMs / 2) : parseDuration('within', options.within);
  if (withinMs > ttlMs) throw new ValueError(`within (${withinMs} ms) must not be longer than ttl (${ttlMs} ms)`);
  const marginMs =
    options.margin === undefined ? Math.min(DEFAULT_MARGIN_MS, withinMs) : parseDuration('margin', options.margin);
  if (unscoped !== 'extend' && unscoped !== 'skip') {
    throw new ValueError(`unscoped must be 'extend' or 'skip', got ${JSON.stringify(unscoped)}`);
  }
  if (!Number.isFinite(maxRps) || maxRps <= 0) {
    throw new ValueError(`maxRps must be a number greater than zero, got ${maxRps}`);
  }
  const keyPrefix = resolveKeyPrefix(options.keyPrefix);
  return { ttlMs, withinMs, marginMs, keyPrefix, skipUnscoped: unscoped === 'skip', maxRps, dryRun };
}
