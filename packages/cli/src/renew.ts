import type { StorageDriverTargetInfo } from '@temporalio/common';
import { KeyCommands } from './key-commands';
import { connectRedis, type RedisConnection, type RedisNode } from './redis-connection';
import { NOBODY, UNANSWERED } from './renew/need';
import { Needs } from './renew/needs';
import { resolveRenewOptions, type RenewOptions, type RenewResult, type ResolvedRenewOptions } from './renew/options';
import { ParentLinks } from './renew/parent-links';
import { TemporalQueries } from './renew/temporal-queries';
import { TtlExtender, type Extension } from './renew/ttl-extender';
import { scanPayloadKeys, type PayloadKey } from './scan';
import { connectTemporal, type TemporalConnection } from './temporal-connection';
import { isNamespaceNotFound } from './temporal-requests';

/** Expiring keys that are gathered before Temporal is asked about them. */
const GATHERED_KEYS = 20_000;

/** A key that expires soon. */
interface ExpiringKey extends PayloadKey {
  node: RedisNode;
  ttlMs: number;
}

/**
 * Lets payloads live as long as their workflows: of the keys that expire soon, extends those that a run, a schedule or a
 * standalone activity still needs. Never shortens a TTL, never adds one, never deletes. Keys that Temporal can't be asked about
 * are extended. Rejects if Redis fails, if the namespace doesn't exist, or with the reason of `signal`; keys that were extended by
 * then stay extended.
 *
 * @experimental
 */
export async function renewPayloads(options: RenewOptions): Promise<RenewResult> {
  const resolved = resolveRenewOptions(options);
  const temporal = connectTemporal(options);
  try {
    const redis = await connectRedis(options);
    try {
      return await renew(redis, temporal, resolved, options);
    } finally {
      redis.close();
    }
  } finally {
    await temporal.close();
  }
}

async function renew(
  redis: RedisConnection,
  temporal: TemporalConnection,
  resolved: ResolvedRenewOptions,
  { signal, onProgress }: RenewOptions,
): Promise<RenewResult> {
  const { keyPrefix, withinMs, dryRun } = resolved;
  const result: RenewResult = {
    scanned: 0,
    expiring: 0,
    extended: 0,
    left: 0,
    unscoped: 0,
    unanswered: 0,
    dryRun,
  };
  const commands = new KeyCommands(redis, signal);
  const extender = new TtlExtender(commands);
  const report = (): void => onProgress?.({ ...result });
  const queries = new TemporalQueries(temporal, resolved.maxRps, signal, report);
  const needs = await createNeeds(redis, temporal, queries, resolved, signal);
  let gathered = new Map<string, ExpiringKey>();
  const settle = async (): Promise<void> => {
    await extendNeeded([...gathered.values()], needs, extender, resolved, result, signal);
    gathered = new Map();
    report();
  };

  let scannedBefore = 0;
  let lastNode: RedisNode | undefined;
  const onRestart = (): void => {
    result.scanned = scannedBefore;
  };
  for await (const { node, keys } of scanPayloadKeys(redis, { keyPrefix, signal, onRestart })) {
    if (node !== lastNode) scannedBefore = result.scanned;
    lastNode = node;
    const own = keys.filter(({ target }) => !target?.namespace || target.namespace === temporal.namespace);
    result.scanned += own.length;
    const remaining = await commands.readTtls(
      node,
      own.map(({ key }) => key),
    );
    for (const [index, ttlMs] of remaining.entries()) {
      const key = own[index]!;
      if (ttlMs >= 0 && ttlMs <= withinMs) gathered.set(key.key, { ...key, node, ttlMs });
    }
    if (gathered.size >= GATHERED_KEYS) await settle();
    else report();
  }
  await settle();
  if (result.unanswered > 0 && queries.failure !== undefined) result.failure = queries.failure;
  return result;
}

async function createNeeds(
  redis: RedisConnection,
  temporal: TemporalConnection,
  queries: TemporalQueries,
  { keyPrefix, ttlMs, marginMs, dryRun }: ResolvedRenewOptions,
  signal: AbortSignal | undefined,
): Promise<Needs | undefined> {
  let retentionMs: number;
  try {
    retentionMs = await queries.describeRetention();
  } catch (error) {
    signal?.throwIfAborted();
    if (isNamespaceNotFound(error)) {
      throw new Error(`Temporal has no namespace ${JSON.stringify(temporal.namespace)} (--namespace)`, {
        cause: error,
      });
    }
    return undefined;
  }
  const linkTtlMs = 2 * Math.max(ttlMs, retentionMs + marginMs);
  const links = new ParentLinks(redis, keyPrefix, temporal.namespace, linkTtlMs, dryRun, signal);
  const children = await queries.listParents().catch(() => undefined);
  if (children !== undefined) await links.record(children);
  return new Needs(queries, retentionMs, links, children !== undefined);
}

/** Asks about keys, extends those that are needed, and counts. Without `needs`, Temporal can't be asked. */
async function extendNeeded(
  keys: ExpiringKey[],
  needs: Needs | undefined,
  extender: TtlExtender,
  { ttlMs, marginMs, skipUnscoped, dryRun }: ResolvedRenewOptions,
  result: RenewResult,
  signal: AbortSignal | undefined,
): Promise<void> {
  await needs?.ask(keys.flatMap(({ target }) => (isScoped(target) ? [target] : [])));
  signal?.throwIfAborted();
  const now = Date.now();
  const extensions: Extension[] = [];
  for (const { key, target, node, ttlMs: remainingMs } of keys) {
    result.expiring += 1;
    let wantedMs = ttlMs;
    if (isScoped(target)) {
      const need = needs?.find(target) ?? UNANSWERED;
      if (need === UNANSWERED) result.unanswered += 1;
      else if (need === NOBODY) {
        result.left += 1;
        continue;
      }
      // A run that Temporal still lists can be read, even if its retention is over or was longer when it closed.
      else if (need !== Infinity) wantedMs = Math.max(need - now, 0) + marginMs;
    } else {
      result.unscoped += 1;
      if (skipUnscoped) continue;
    }
    if (wantedMs > remainingMs) extensions.push({ node, key, ttlMs: wantedMs });
  }
  result.extended += dryRun ? extensions.length : await extender.extendAll(extensions);
}

/** Keys without a namespace or an id don't say whose they are: those of Nexus, for instance, or of a task token. */
function isScoped(target: StorageDriverTargetInfo | undefined): target is StorageDriverTargetInfo {
  return target !== undefined && target.namespace !== '' && target.id !== undefined && target.id !== '';
}
