import { prepareRedis, prepareTemporal, startRedis, startTemporal } from '@temporal-redis-storage/testing';
import type { Teardown } from './lifecycle';
import type { DemoOptions } from './options';
import type { TemporalAddress } from './pipeline';

export interface Servers {
  redisUrl: string;
  temporal: TemporalAddress;
}

/**
 * Uses the servers in the options. For those that are missing, starts temporary servers, and installs them if needed.
 */
export async function startServers(options: DemoOptions, teardown: Teardown): Promise<Servers> {
  const { redisUrl, temporalAddress, temporalNamespace } = options;
  return {
    redisUrl: redisUrl ?? (await startOwnRedis(teardown)),
    temporal:
      temporalAddress === undefined
        ? await startOwnTemporal(teardown)
        : { address: temporalAddress, namespace: temporalNamespace },
  };
}

async function startOwnRedis(teardown: Teardown): Promise<string> {
  await prepareRedis();
  const starting = startRedis();
  teardown.add(async () => (await starting).stop());
  return (await starting).url;
}

async function startOwnTemporal(teardown: Teardown): Promise<TemporalAddress> {
  await prepareTemporal();
  const starting = startTemporal();
  teardown.add(async () => (await starting).stop());
  return starting;
}
