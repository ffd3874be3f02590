import { KeyCommands } from './key-commands';
import { connectRedis, type RedisConnection, type RedisConnectionOptions } from './redis-connection';
import { resolveKeyPrefix, scanPayloadKeys } from './scan';
import { UsageTotals, type UsageResult } from './usage/totals';

/**
 * Options of `measureUsage`.
 *
 * @experimental
 */
export interface UsageOptions extends RedisConnectionOptions {
  /** The driver's `keyPrefix`. Defaults to `temporalio:payloads`. */
  keyPrefix?: string;
  /** How many of the largest workflows and activities are listed. Defaults to 10. */
  top?: number;
  /** Interrupts the count, which then rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Called after some thousand keys, with the number of keys counted so far. */
  onProgress?: (keys: number) => void;
}

const DEFAULT_TOP = 10;

/** How often the count begins again because the connection was lost meanwhile. */
const MAX_COUNTS = 5;

/**
 * Counts the payloads under a prefix. Only reads. Keys that come and go meanwhile may be counted or not, and Redis may
 * list a key twice while it resizes its table.
 *
 * @experimental
 */
export async function measureUsage(options: UsageOptions = {}): Promise<UsageResult> {
  const { top = DEFAULT_TOP } = options;
  const keyPrefix = resolveKeyPrefix(options.keyPrefix);
  const redis = await connectRedis(options);
  try {
    for (let count = 1; count <= MAX_COUNTS; count += 1) {
      const totals = await countKeys(redis, keyPrefix, options);
      if (totals !== undefined) return totals.toResult(top);
    }
    throw new Error(`The connection to Redis at ${redis.address} keeps being lost`);
  } finally {
    redis.close();
  }
}

/** Undefined if the scan of a node began again, so that keys would be counted twice. */
async function countKeys(
  redis: RedisConnection,
  keyPrefix: string,
  { signal, onProgress }: UsageOptions,
): Promise<UsageTotals | undefined> {
  const commands = new KeyCommands(redis, signal);
  const totals = new UsageTotals();
  let restarted = false;
  const onRestart = (): void => {
    restarted = true;
  };
  for await (const { node, keys } of scanPayloadKeys(redis, { keyPrefix, signal, onRestart })) {
    if (restarted) return undefined;
    const names = keys.map(({ key }) => key);
    const [sizes, ttls] = await Promise.all([commands.readSizes(node, names), commands.readTtls(node, names)]);
    for (const [index, { target }] of keys.entries()) {
      // A key that has expired since the scan holds nothing.
      if (ttls[index] !== -2) totals.add(target, sizes[index]!, ttls[index]!);
    }
    onProgress?.(totals.keys);
  }
  return totals;
}
