import type { Costs } from '../measure/compare';
import type { CommandFigures, CommandName } from '../commands/command-load';
import type { BytesInFlightMemory } from '../measure/bytes-in-flight';
import type { DiagnosticsCost } from '../measure/diagnostics';

/** Costs by load name. */
export type Measured = Record<string, { store: Costs; retrieve: Costs }>;

/** The contents of `results.json`. */
export interface Results {
  machine: { cpu: string; cores: number; memory: string; node: string; redis: string };
  rounds: number;
  drivers: Measured;
  libraries: Record<'node-redis' | 'ioredis' | 'Upstash', Measured>;
  /** Costs over node-redis. */
  nextSdk: Measured;
  diagnostics: DiagnosticsCost;
  /** Costs by load name; the variants are storages. */
  workflows: Record<string, Costs>;
  /** Memory by load name. */
  bytesInFlight: Record<string, BytesInFlightMemory>;
  /** Costs over node-redis by load name. */
  growth: { sizes: Record<string, Costs>; counts: Record<string, Costs> };
  /** By load name. */
  commands: Record<string, Record<CommandName, CommandFigures>>;
}
