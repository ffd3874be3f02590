import { prepareRedis, prepareTemporal, startRedis, startTemporal } from '@temporal-redis-storage/testing';
import type { Teardown } from './lifecycle';
import type { DemoOptions } from './options';
import type { TemporalAddress } from './pipeline';
import { CodecServer } from './web-ui';

export interface Servers {
  redisUrl: string;
  temporal: TemporalAddress;
  /** Where the demo's own Temporal server has its Web UI, and the codec server behind that. */
  webUi?: { url: string; codecServer: CodecServer };
}

/**
 * Uses the servers in the options. For those that are missing, starts temporary servers, and installs them if needed.
 */
export async function startServers(options: DemoOptions, teardown: Teardown): Promise<Servers> {
  const { redisUrl, temporalAddress, temporalNamespace } = options;
  const ownOrGivenRedis = redisUrl ?? (await startOwnRedis(teardown));
  if (temporalAddress !== undefined) {
    return { redisUrl: ownOrGivenRedis, temporal: { address: temporalAddress, namespace: temporalNamespace } };
  }
  await prepareTemporal();
  // A server at TEMPORAL_ADDRESS has a Web UI that is not ours to set up.
  const withWebUi = options.keep && !process.env.TEMPORAL_ADDRESS;
  return { redisUrl: ownOrGivenRedis, ...(await startOwnTemporal(teardown, withWebUi)) };
}

async function startOwnRedis(teardown: Teardown): Promise<string> {
  await prepareRedis();
  const starting = startRedis();
  teardown.add(async () => (await starting).stop());
  return (await starting).url;
}

async function startOwnTemporal(teardown: Teardown, withWebUi: boolean): Promise<Omit<Servers, 'redisUrl'>> {
  const codecServer = withWebUi ? await CodecServer.start() : undefined;
  if (codecServer !== undefined) teardown.add(async () => codecServer.stop());
  const starting = startTemporal(codecServer && { ui: { codecEndpoint: codecServer.url } });
  teardown.add(async () => (await starting).stop());
  const temporal = await starting;
  const { uiUrl } = temporal;
  return { temporal, ...(codecServer && uiUrl !== undefined && { webUi: { url: uiUrl, codecServer } }) };
}
