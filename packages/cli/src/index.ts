/**
 * The commands of `temporal-redis-storage` as functions.
 *
 * @module
 */
export { diagnose } from './doctor';
export type { DoctorFinding, DoctorOptions, DoctorResult, Severity } from './doctor/options';
export { inspectWorkflow } from './inspect';
export type { InspectedReference, InspectOptions, InspectResult } from './inspect/options';
export type { RedisConnectionOptions } from './redis-connection';
export type { TemporalConnectionOptions } from './temporal-connection';
export { renewPayloads } from './renew';
export type { RenewOptions, RenewProgress, RenewResult } from './renew/options';
export { servePayloads, type PayloadServer } from './serve';
export type { ServeOptions } from './serve/options';
export { measureUsage, type UsageOptions } from './usage';
export type { UsageExpiry, UsageGroup, UsageResult, UsageWorkflow } from './usage/totals';
