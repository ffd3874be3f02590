import { parseArgs, type ParseArgsConfig } from 'node:util';
import { REDIS_LIBRARIES, type RedisLibrary } from './redis-library';

export interface DemoOptions {
  /** Size of the batch, in megabytes. */
  size: number;
  /** Redis library of the client that starts the workflow. */
  library: RedisLibrary;
  /** Redis library of the worker. Defaults to `library`. */
  workerLibrary: RedisLibrary;
  /** URL of the user's own Redis. By default the demo starts one. */
  redisUrl?: string;
  /** Address of the user's own Temporal server, as host:port. By default the demo starts one. */
  temporalAddress?: string;
  /** Namespace on the server at `temporalAddress`. */
  temporalNamespace: string;
  keep: boolean;
  help: boolean;
}

/** The command line is invalid. The message names the option and its value. */
export class UsageError extends Error {
  override name = 'UsageError';
}

export const USAGE = `Usage: pnpm demo [options]

Runs a pipeline over a large batch of orders on a real Temporal server, without
and with external storage in Redis. By default it starts its own servers.

  --size <MB>                   size of the batch, 3 to 40 (default: 24)
  --library <name>              node-redis (default), ioredis or upstash
  --worker-library <name>       library of the worker (default: --library)
  --redis-url <url>             use this Redis, redis:// or rediss://
  --temporal-address <address>  use this Temporal server, host:port
  --temporal-namespace <name>   namespace on that server (default: default)
  --keep                        keep the demo's servers running until Ctrl-C
  --help                        show this text`;

/** At least one page above Temporal's limit, and no payload above the 10 MB limit of Upstash. */
const SIZES = { min: 3, max: 40 };

const OPTIONS = {
  size: { type: 'string', default: '24' },
  library: { type: 'string', default: 'node-redis' },
  'worker-library': { type: 'string' },
  'redis-url': { type: 'string' },
  'temporal-address': { type: 'string' },
  'temporal-namespace': { type: 'string' },
  keep: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} satisfies ParseArgsConfig['options'];

/** @throws UsageError if an option is unknown or invalid */
export function parseOptions(args: string[]): DemoOptions {
  const { values } = parseArguments(args);
  const { 'redis-url': redisUrl, 'temporal-address': temporalAddress, 'temporal-namespace': namespace } = values;
  if (redisUrl !== undefined) checkRedisUrl(redisUrl);
  if (temporalAddress !== undefined) checkAddress(temporalAddress);
  if (namespace !== undefined) {
    if (namespace === '') throw new UsageError("--temporal-namespace must be a name, got ''");
    if (temporalAddress === undefined) {
      throw new UsageError(`--temporal-namespace requires --temporal-address, got only '${namespace}'`);
    }
  }
  if (values.keep && redisUrl !== undefined && temporalAddress !== undefined) {
    throw new UsageError('--keep has no effect, because --redis-url and --temporal-address name your own servers');
  }
  return {
    size: parseSize(values.size),
    library: parseLibrary('--library', values.library),
    workerLibrary: parseLibrary('--worker-library', values['worker-library'] ?? values.library),
    ...(redisUrl !== undefined && { redisUrl }),
    ...(temporalAddress !== undefined && { temporalAddress }),
    temporalNamespace: namespace ?? 'default',
    keep: values.keep,
    help: values.help,
  };
}

/** Removes user, password and query from a URL, so that it can be printed. */
export function removeCredentials(url: string): string {
  return url.replace(/\/\/.*@/s, '//***@').replace(/\?.*/s, '');
}

function parseArguments(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS });
  } catch (error) {
    throw new UsageError(removeCredentials((error as Error).message));
  }
}

function parseSize(text: string): number {
  const size = Number(text);
  if (!/^\d+$/.test(text) || size < SIZES.min || size > SIZES.max) {
    throw new UsageError(`--size must be a whole number of MB from ${SIZES.min} to ${SIZES.max}, got '${text}'`);
  }
  return size;
}

function parseLibrary(option: string, name: string): RedisLibrary {
  const library = REDIS_LIBRARIES.find((each) => each === name);
  if (library === undefined) throw new UsageError(`${option} must be ${REDIS_LIBRARIES.join(', ')}, got '${name}'`);
  return library;
}

function checkRedisUrl(url: string): void {
  const { protocol, hostname } = URL.canParse(url) ? new URL(url) : { protocol: '', hostname: '' };
  if (!['redis:', 'rediss:'].includes(protocol) || hostname === '') {
    throw new UsageError(`--redis-url must be a redis:// or rediss:// URL, got '${removeCredentials(url)}'`);
  }
}

function checkAddress(address: string): void {
  const port = Number(/^[^\s/@]+:(\d{1,5})$/.exec(address)?.[1]);
  if (!(port >= 1 && port <= 65_535)) {
    throw new UsageError(`--temporal-address must be host:port, got '${removeCredentials(address)}'`);
  }
}
