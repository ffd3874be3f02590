import type { DataConverter, ExternalStorage } from '@temporalio/common';
import { mergeStorage } from './merge';
import { checkOptions, type RedisStoragePluginOptions } from './options';

/**
 * Registers a Redis driver in the data converter of clients, workers and replay workers, beside the codecs, converters and
 * drivers that are there. Give it to each of them, or once to a `Connection` and a `NativeConnection`, which pass it on.
 *
 * @experimental
 */
export class RedisStoragePlugin {
  readonly name = 'temporal-redis-storage.RedisStoragePlugin';
  /** What this plugin has built. Connection and client may both have the plugin, and other plugins copy data converters. */
  private readonly merged = new WeakSet<ExternalStorage>();

  /** @throws ValueError that names the option and what it got */
  constructor(private readonly options: RedisStoragePluginOptions) {
    checkOptions(options);
  }

  /** Called by `new Client`. */
  configureClient<Options extends { dataConverter?: DataConverter | undefined }>(options: Options): Options {
    return this.configure(options);
  }

  /** Called by `Worker.create`. */
  configureWorker<Options extends { dataConverter?: DataConverter | undefined }>(options: Options): Options {
    return this.configure(options);
  }

  /** Called by `Worker.runReplayHistory` and `Worker.runReplayHistories`. */
  configureReplayWorker<Options extends { dataConverter?: DataConverter | undefined }>(options: Options): Options {
    return this.configure(options);
  }

  /**
   * Returns the data converter that clients and workers get, for what takes no plugins, such as a codec server. Without an
   * argument it is the SDK's default one with the driver.
   *
   * @throws ValueError if another driver has the name of this one, or `driverSelector` is `'existing'` and nothing exists
   */
  configureDataConverter(dataConverter: DataConverter = {}): DataConverter {
    const existing = dataConverter.externalStorage;
    if (existing !== undefined && this.merged.has(existing)) return dataConverter;
    const externalStorage = mergeStorage(existing, this.options);
    this.merged.add(externalStorage);
    return { ...dataConverter, externalStorage };
  }

  private configure<Options extends { dataConverter?: DataConverter | undefined }>(options: Options): Options {
    return { ...options, dataConverter: this.configureDataConverter(options.dataConverter) };
  }
}
