import {
  prepareRedis,
  prepareTemporal,
  startRedis,
  startTemporal,
  type RunningRedis,
  type RunningTemporal,
} from '@temporal-redis-storage/testing';
import type { UpstashCredentials } from '@temporal-redis-storage/upstash';
import { startProcess } from './server-process';

/** The benchmark's servers, each in a separate process. */
export interface Servers {
  redis: RunningRedis;
  /** An endpoint backed by `redis`. */
  upstash: UpstashCredentials;
  temporal: RunningTemporal;
  stop: () => Promise<void>;
}

export async function startServers(): Promise<Servers> {
  await prepareRedis();
  await prepareTemporal();
  const started: { stop: () => Promise<void> }[] = [];
  const track = async <Server extends { stop: () => Promise<void> }>(starting: Promise<Server>): Promise<Server> => {
    const server = await starting;
    started.unshift(server);
    return server;
  };
  const stop = async (): Promise<void> => {
    for (const server of started) await server.stop();
  };
  try {
    const redis = await track(startRedis());
    const { host, port } = redis;
    const endpoint = await track(startProcess('upstash-endpoint', { host, port }));
    const temporal = await track(startTemporal());
    return { redis, upstash: endpoint.result, temporal, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
