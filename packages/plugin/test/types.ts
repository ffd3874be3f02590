import type { RedisStorageDriver } from '@temporal-redis-storage/core';
import type { ClientOptions, ClientPlugin, ConnectionOptions, ConnectionPlugin } from '@temporalio/client';
import type {
  BundleOptions,
  BundlerPlugin,
  NativeConnectionOptions,
  NativeConnectionPlugin,
  ReplayWorkerOptions,
  WorkerOptions,
  WorkerPlugin,
} from '@temporalio/worker';
import { RedisStoragePlugin } from '../src';

/** The plugin is accepted wherever the SDK takes one. This file is compiled and never run. */
export function acceptPlugin(driver: RedisStorageDriver) {
  const plugin = new RedisStoragePlugin({ driver });
  const everywhere: ClientPlugin & WorkerPlugin & BundlerPlugin & ConnectionPlugin & NativeConnectionPlugin = plugin;
  const client: ClientOptions = { plugins: [plugin] };
  const connection: ConnectionOptions = { plugins: [plugin] };
  const nativeConnection: NativeConnectionOptions = { plugins: [plugin] };
  const worker: WorkerOptions = { taskQueue: 'queue', plugins: [plugin] };
  const replay: ReplayWorkerOptions = { plugins: [plugin] };
  const bundle: BundleOptions = { workflowsPath: 'workflows', plugins: [plugin] };
  return { everywhere, client, connection, nativeConnection, worker, replay, bundle };
}
