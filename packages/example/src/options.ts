import { parseArgs, type ParseArgsConfig } from 'node:util';
import { REDIS_LIBRARIES, type RedisLibrary } from './redis-library';

export interface DemoOptions {
  /** Megabytes of orders. */
  size: number;
  /** What the client that starts the workflow stores with. */
  library: RedisLibrary;
  workerLibrary: RedisLibrary;
  /** A Redis of one's own; by default the demo starts one. */
  redisUrl?: string;
  /** A Temporal server of one's own, as host:port; by default the demo starts one. */
  temporalAddress?: string;
  /** Namespace at `temporalAddress`. */
  temporalNamespace: string;
  keep: boolean;
  help: boolean;
}

/** A command line that can't be followed; the message says which option and what it got. */
export class UsageError extends Error {
  override name = 'UsageError';
}

export const USAGE = `Usage: pnpm demo [options]

Runs a pipeline over a large batch of orders on a real Temporal server, without
and with external storage in Redis. By default it starts its own servers.

  --size <MB>                   size of the batch, 3 to 40 (default: 24)
  --library <name>              node-redis (default), ioredis or upstash
  --worker-library <name>       the worker's, if it is to be another one
  --redis-url <url>             use this Redis, redis:// or rediss://
  --temporal-address <address>  use this Temporal server, host:port
  --temporal-namespace <name>   namespace at that server (default: default)
  --keep                        leave the demo's own servers up until Ctrl-C
  --help                        show this text`;

/** One page at least, to be over Temporal's limit; and no payload over the 10 MB that Upstash takes. */
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

/** @throws UsageError */
export function parseOptions(args: string[]): DemoOptions {
  const { values } = parseArguments(args);
  const { 'redis-url': redisUrl, 'temporal-address': temporalAddress, 'temporal-namespace': namespace } = values;
  if (redisUrl !== undefined) checkRedisUrl(redisUrl);
  if (temporalAddress !== undefined) checkAddress(temporalAddress);
  if (namespace !== undefined) {
    if (namespace === '') throw new UsageError("--temporal-namespace must be a name, got ''");
    if (temporalAddress === undefined) {
      throw new UsageError(`--temporal-namespace needs --temporal-address beside it, got only '${namespace}'`);
    }
  }
  if (values.keep && redisUrl !== undefined && temporalAddress !== undefined) {
    throw new UsageError('--keep has nothing to keep: --redis-url and --temporal-address are servers of your own');
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

/** The URL as it may be shown: without user, password and query. */
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
