import { startRedis, type RedisAddress } from '@temporal-redis-storage/testing';
import { diagnose, type DoctorFinding, type DoctorOptions } from '../../src';
import { createPrefix, openRedis } from './redis';

/** The largest payload that `doctor` tries in tests, in bytes. */
const SIZE = 64 * 1024;

/** Arguments of a Redis that outlives a restart. */
export const DURABLE = ['--appendonly', 'yes'];

export type Findings = Map<string, DoctorFinding>;

/** Stops servers after the test that has started them. */
export function useServers(): {
  keep: <Running extends { stop(): Promise<void> }>(started: Running) => Running;
  startServer: (...args: string[]) => Promise<RedisAddress & { url: string }>;
} {
  const running: { stop(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const each of running.splice(0).toReversed()) await each.stop();
  });
  const keep = <Running extends { stop(): Promise<void> }>(started: Running): Running => {
    running.push(started);
    return started;
  };
  return { keep, startServer: async (...args) => keep(await startRedis({ args })) };
}

/** The findings by code. */
export async function runDoctor(redisUrl: string, options: DoctorOptions = {}): Promise<Findings> {
  const { findings } = await diagnose({ redisUrl, maxPayloadSize: SIZE, keyPrefix: createPrefix(), ...options });
  return new Map(findings.map((finding) => [finding.code, finding]));
}

/** Codes of the findings that aren't `ok`, with their severity. */
export function findTroubles(findings: Findings): Record<string, string> {
  const troubles = [...findings.values()].filter(({ severity }) => severity !== 'ok');
  return Object.fromEntries(troubles.map(({ code, severity }) => [code, severity]));
}

export async function send(url: string, ...args: string[]): Promise<void> {
  const redis = await openRedis(url);
  try {
    await redis.sendCommand(args);
  } finally {
    redis.destroy();
  }
}
