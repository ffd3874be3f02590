import type { Command } from 'commander';
import type { RedisConnectionOptions } from './redis-connection';
import type { TemporalConnectionOptions } from './temporal-connection';

/** The flags of {@link addRedisOptions}. */
export interface RedisFlags {
  redisUrl?: string;
  cluster?: boolean;
}

/** The flags of {@link addTemporalOptions}. */
export interface TemporalFlags {
  address?: string;
  namespace?: string;
  profile?: string;
}

/** Adds `--json`, which every command has that prints a result. */
export function addJsonOption(command: Command): Command {
  return command.option('--json', 'print JSON, for programs');
}

export function addRedisOptions(command: Command): Command {
  return command
    .option(
      '--redis-url <url>',
      'redis://, rediss:// (TLS) or unix://, with user, password and database in it (default: $REDIS_URL)',
    )
    .option('--cluster', 'the URL is that of a node of a Redis Cluster: visit every primary');
}

export function addTemporalOptions(command: Command): Command {
  return command
    .option('--address <host:port>', "Temporal's address (default: $TEMPORAL_ADDRESS, or that of the profile)")
    .option('--namespace <name>', 'namespace (default: $TEMPORAL_NAMESPACE, or that of the profile)')
    .option('--profile <name>', "profile of Temporal's configuration file (default: $TEMPORAL_PROFILE)");
}

export function pickRedisOptions({ redisUrl, cluster }: RedisFlags): RedisConnectionOptions {
  return { ...(redisUrl !== undefined && { redisUrl }), ...(cluster !== undefined && { cluster }) };
}

export function pickTemporalOptions({ address, namespace, profile }: TemporalFlags): TemporalConnectionOptions {
  return {
    ...(address !== undefined && { address }),
    ...(namespace !== undefined && { namespace }),
    ...(profile !== undefined && { profile }),
  };
}
