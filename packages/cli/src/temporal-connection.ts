import { Connection, type ConnectionOptions, type WorkflowService } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';

/**
 * Where Temporal is. Options that aren't given are found as Temporal's own CLI finds it: `TEMPORAL_ADDRESS`,
 * `TEMPORAL_NAMESPACE`, `TEMPORAL_API_KEY`, `TEMPORAL_TLS_*`, and the profile of its configuration file.
 *
 * @experimental
 */
export interface TemporalConnectionOptions {
  /** `host:port`. */
  address?: string;
  /** `default` if neither this nor the environment nor the profile has one. */
  namespace?: string;
  /** A profile of Temporal's configuration file. */
  profile?: string;
  /** A connection of the caller's, who closes it. It replaces `address` and the environment's credentials. */
  connection?: Connection;
}

/** Temporal, asked without decoding payloads. */
export interface TemporalConnection {
  connection: Connection;
  /** The raw service: the SDK's clients decode payloads, and fail on offloaded ones. */
  service: WorkflowService;
  namespace: string;
  /** Closes the connection unless it is the caller's. */
  close(): Promise<void>;
}

const DEFAULT_NAMESPACE = 'default';

/**
 * Reads the configuration. Connects lazily: a Temporal that can't be reached fails the first request, not this call.
 * Throws if the profile or the file of the configuration is missing or malformed.
 */
export function connectTemporal(options: TemporalConnectionOptions = {}): TemporalConnection {
  const { connectionOptions, namespace = DEFAULT_NAMESPACE } = loadConfig(options);
  const connection = options.connection ?? Connection.lazy(connectionOptions);
  return {
    connection,
    service: connection.workflowService,
    namespace: options.namespace ?? namespace,
    close: async () => {
      if (options.connection === undefined) await connection.close();
    },
  };
}

function loadConfig({ address, profile }: TemporalConnectionOptions): {
  connectionOptions: ConnectionOptions;
  namespace?: string;
} {
  const { connectionOptions, namespace } = loadClientConnectConfig(profile === undefined ? {} : { profile });
  const { apiKey, tls, metadata } = connectionOptions;
  const host = address ?? connectionOptions.address;
  return {
    connectionOptions: {
      ...(host !== undefined && { address: host }),
      ...(apiKey !== undefined && { apiKey }),
      ...(tls !== undefined && { tls }),
      ...(metadata !== undefined && { metadata }),
    },
    ...(namespace !== undefined && { namespace }),
  };
}
