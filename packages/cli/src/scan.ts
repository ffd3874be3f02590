import { parseKey } from '@temporal-redis-storage/core';
import { ValueError, type StorageDriverTargetInfo } from '@temporalio/common';
import type { RedisConnection, RedisNode } from './redis-connection';
import { retryCommand } from './retry';

/** The prefix of the driver's keys unless its `keyPrefix` says otherwise. */
export const DEFAULT_KEY_PREFIX = 'temporalio:payloads';

/** Keys that Redis looks at in one `SCAN`. With 1000, a million keys leave 130 MB more garbage at once, and take as long. */
const SCAN_COUNT = 250;

/** How often a scan starts again because the connection was lost meanwhile. */
const MAX_RESTARTS = 5;

/** A payload's key. */
export interface PayloadKey {
  key: string;
  /** Absent in a key without a target. */
  target?: StorageDriverTargetInfo;
}

/** Keys of one `SCAN`, and the node that holds them. */
export interface KeyBatch {
  node: RedisNode;
  keys: PayloadKey[];
}

/** Options of {@link scanPayloadKeys}. */
export interface ScanOptions {
  keyPrefix: string;
  signal?: AbortSignal | undefined;
  /** Called before a node is scanned from the beginning again: counts of this node start again. */
  onRestart?: (node: RedisNode) => void;
}

/**
 * The keys of payloads under a prefix, on every primary. A key that exists during the whole scan is among them; Redis may
 * return a key twice while it resizes its table.
 */
export async function* scanPayloadKeys(redis: RedisConnection, options: ScanOptions): AsyncGenerator<KeyBatch> {
  for (const node of await redis.listPrimaries()) yield* scanNode(node, options);
}

async function* scanNode(node: RedisNode, options: ScanOptions): AsyncGenerator<KeyBatch> {
  const { keyPrefix, signal, onRestart } = options;
  const pattern = `${escapeGlob(keyPrefix)}${keyPrefix && ':'}v0:*`;
  let connection = await node.connectionCount();
  let restarts = 0;
  const scan = async (from: string): Promise<[next: string, keys: string[]]> => {
    const args = ['SCAN', from, 'MATCH', pattern, 'COUNT', String(SCAN_COUNT)];
    return (await retryCommand(() => node.sendCommand(args), signal)) as [string, string[]];
  };
  let scanning = scan('0');
  for (;;) {
    const [next, keys] = await scanning;
    const current = await node.connectionCount();
    if (current !== connection) {
      // Behind a new connection may be another process, for which the cursor means another place.
      if ((restarts += 1) > MAX_RESTARTS)
        throw new Error(`The connection to Redis at ${node.address} keeps being lost`);
      connection = current;
      scanning = scan('0');
      onRestart?.(node);
      continue;
    }
    if (next !== '0') {
      // Redis looks for the next keys while these are worked on.
      scanning = scan(next);
      scanning.catch(() => {});
    }
    yield { node, keys: keys.flatMap((key) => parsePayloadKey(key, keyPrefix)) };
    if (next === '0') return;
  }
}

/** A prefix may end with `:v0`, so that the pattern of a shorter one matches its keys too. */
function parsePayloadKey(key: string, keyPrefix: string): PayloadKey[] {
  const parsed = parseKey(key);
  if (parsed?.prefix !== keyPrefix) return [];
  return [parsed.target === undefined ? { key } : { key, target: parsed.target }];
}

/** The driver's own rule: colons at the end don't count. */
export function resolveKeyPrefix(keyPrefix: string | undefined): string {
  const prefix: unknown = keyPrefix ?? DEFAULT_KEY_PREFIX;
  if (typeof prefix !== 'string') throw new ValueError(`keyPrefix must be a string, got ${typeof prefix}`);
  return prefix.replace(/:+$/, '');
}

function escapeGlob(text: string): string {
  return text.replaceAll(/[*?[\]\\^]/g, '\\$&');
}
