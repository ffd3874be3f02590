import { ValueError } from '@temporalio/common';
import type { InspectedReference, InspectOptions, InspectResult } from './inspect/options';
import { createDirectory, savePayload } from './inspect/payload-files';
import { describeRun, readHistory, type InspectedRun, type RunReference } from './inspect/run-references';
import { StoredPayloads, type StoredPayload } from './inspect/stored-payloads';
import { parseKey } from '@temporal-redis-storage/core';
import { connectRedis } from './redis-connection';
import { connectTemporal, type TemporalConnection } from './temporal-connection';

/** Payloads that are looked up at a time, and that are read at a time. */
const LOOKUPS = 50;
const READS = 4;

/**
 * Lists every reference of a run to an offloaded payload, and says whether Redis holds the payload and until when. Only
 * reads. Rejects if Temporal has no such run, or if Temporal or Redis can't be reached.
 *
 * @experimental
 */
export async function inspectWorkflow(options: InspectOptions): Promise<InspectResult> {
  const { workflowId, runId, save } = options;
  if (!workflowId) throw new ValueError('workflowId must not be empty');
  const temporal = connectTemporal(options);
  try {
    const run = await describeRun(temporal, workflowId, runId);
    const redis = await connectRedis(options);
    try {
      if (save !== undefined) await createDirectory(save);
      const references = await inspectReferences(temporal, new StoredPayloads(redis, options.signal), run, options);
      return { workflowId, runId: run.runId, status: run.status, references };
    } finally {
      redis.close();
    }
  } finally {
    await temporal.close();
  }
}

async function inspectReferences(
  temporal: TemporalConnection,
  payloads: StoredPayloads,
  run: InspectedRun,
  { signal, onProgress, ...options }: InspectOptions,
): Promise<InspectedReference[]> {
  const inspected: InspectedReference[] = [];
  const inspectAll = async (references: RunReference[]): Promise<void> => {
    const concurrency = isRead(options) ? READS : LOOKUPS;
    for (let start = 0; start < references.length; start += concurrency) {
      signal?.throwIfAborted();
      const batch = references.slice(start, start + concurrency);
      inspected.push(
        ...(await Promise.all(batch.map(async (found) => inspectReference(payloads, run, found, options)))),
      );
      onProgress?.(inspected.length);
    }
  };
  for await (const references of readHistory(temporal, run)) await inspectAll(references);
  await inspectAll(run.present);
  return inspected;
}

async function inspectReference(
  payloads: StoredPayloads,
  run: InspectedRun,
  reference: RunReference,
  { driverName, save, ...options }: InspectOptions,
): Promise<InspectedReference> {
  const { eventId, event, field, isCopy, key } = reference;
  const neededUntilMs = isCopy ? undefined : run.neededUntilMs;
  const parsed = key === undefined ? undefined : parseKey(key);
  const isJudged = driverName === undefined ? parsed !== undefined : reference.driverName === driverName;
  let stored: Partial<StoredPayload> = {};
  if (isJudged) {
    stored =
      parsed === undefined
        ? { state: 'corrupt' }
        : await payloads.check(
            key!,
            { digest: reference.digest ?? parsed.digest, size: reference.size },
            isRead({ save, ...options }),
          );
    if (save !== undefined && stored.state === 'present') await savePayload(save, reference, stored.bytes!);
  }
  return {
    eventId,
    event,
    field,
    driverName: reference.driverName,
    isCopy,
    key: key ?? null,
    size: stored.size ?? reference.size ?? null,
    state: stored.state ?? null,
    ttlMs: stored.ttlMs ?? null,
    neededUntil: neededUntilMs === undefined ? null : new Date(neededUntilMs).toISOString(),
    outlives: isJudged && neededUntilMs !== undefined ? outlives(stored, neededUntilMs) : null,
  };
}

function outlives({ state, ttlMs = Infinity }: Partial<StoredPayload>, neededUntilMs: number): boolean {
  return state !== 'missing' && Date.now() + ttlMs >= neededUntilMs;
}

function isRead({ verify = false, save }: { verify?: boolean | undefined; save?: string | undefined }): boolean {
  return verify || save !== undefined;
}
