import type { Costs } from '../measure/compare';
import type { BytesInFlightMemory } from '../measure/bytes-in-flight';

/** By the loads' names. */
export type Measured = Record<string, { store: Costs; retrieve: Costs }>;

/** All that was measured: what `results.json` holds. */
export interface Results {
  machine: { cpu: string; cores: number; memory: string; node: string; redis: string };
  rounds: number;
  drivers: Measured;
  libraries: Record<'node-redis' | 'ioredis' | 'Upstash', Measured>;
  /** By the loads' names, then by the storages'. */
  workflows: Record<string, Costs>;
  /** By the loads' names. */
  gate: Record<string, BytesInFlightMemory>;
  /** Over node-redis, by the loads' names. */
  growth: { sizes: Record<string, Costs>; counts: Record<string, Costs> };
}
