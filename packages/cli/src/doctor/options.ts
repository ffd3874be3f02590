import { ValueError, type Duration } from '@temporalio/common';
import { parseDuration } from '../durations';
import type { RedisConnectionOptions } from '../redis-connection';
import { resolveKeyPrefix } from '../scan';
import type { TemporalConnectionOptions } from '../temporal-connection';

/**
 * Options of `diagnose`: the driver's own, so that Redis is judged by them.
 *
 * @experimental
 */
export interface DoctorOptions extends RedisConnectionOptions, TemporalConnectionOptions {
  /** The driver's `keyPrefix`. Defaults to `temporalio:payloads`. */
  keyPrefix?: string;
  /** The driver's `ttl`, which is compared with the namespace's retention. Without it payloads never expire. */
  ttl?: Duration;
  /** The driver's `maxPayloadSize` in bytes. A payload of this size is written and read. Defaults to 52428800 (50 MiB). */
  maxPayloadSize?: number;
  /** Codes of findings that are left out. */
  ignore?: string[];
  /** Interrupts the diagnosis, which then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * How serious a finding is. `unknown`: Redis or Temporal didn't say.
 *
 * @experimental
 */
export type Severity = 'ok' | 'unknown' | 'warning' | 'error';

/**
 * One thing that was looked at.
 *
 * @experimental
 */
export interface DoctorFinding {
  code: string;
  severity: Severity;
  /** The answer of Redis or Temporal that this finding is about. */
  seen: string;
  /** The remedy; empty if nothing needs to be done. */
  advice: string;
}

/**
 * Whether Redis is fit to hold payloads.
 *
 * @experimental
 */
export interface DoctorResult {
  findings: DoctorFinding[];
}

export interface ResolvedDoctorOptions {
  keyPrefix: string;
  /** Undefined if payloads never expire. */
  ttlMs: number | undefined;
  maxPayloadSize: number;
}

const DEFAULT_MAX_PAYLOAD_SIZE = 50 * 1024 * 1024;

/** @throws ValueError that names the option and what it got */
export function resolveDoctorOptions(options: DoctorOptions): ResolvedDoctorOptions {
  const { maxPayloadSize = DEFAULT_MAX_PAYLOAD_SIZE } = options;
  if (!Number.isSafeInteger(maxPayloadSize) || maxPayloadSize < 1) {
    throw new ValueError(`maxPayloadSize must be a number of bytes greater than zero, got ${maxPayloadSize}`);
  }
  return {
    keyPrefix: resolveKeyPrefix(options.keyPrefix),
    ttlMs: options.ttl === undefined ? undefined : parseDuration('ttl', options.ttl),
    maxPayloadSize,
  };
}
