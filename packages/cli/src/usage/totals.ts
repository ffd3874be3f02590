import type { StorageDriverTargetInfo } from '@temporalio/common';

/**
 * The payloads of a namespace, by kind and type.
 *
 * @experimental
 */
export interface UsageGroup {
  /** Null where the keys name none. */
  namespace: string | null;
  /** Null where the keys have no target. */
  kind: 'workflow' | 'activity' | null;
  /** The type of the workflow or activity; null where the keys name none, as those of signals. */
  type: string | null;
  keys: number;
  /** The payloads' bytes. Redis itself needs about 100 more for each key, and the length of its name. */
  bytes: number;
  withoutTtl: number;
}

/**
 * The payloads under a workflow id or activity id.
 *
 * @experimental
 */
export interface UsageWorkflow {
  namespace: string | null;
  kind: 'workflow' | 'activity';
  id: string;
  keys: number;
  bytes: number;
}

/**
 * Keys that expire within a time, and not within the time of the entry before.
 *
 * @experimental
 */
export interface UsageExpiry {
  /** Milliseconds; null for keys that expire later than all others. */
  withinMs: number | null;
  keys: number;
  bytes: number;
}

/**
 * The payloads under a prefix.
 *
 * @experimental
 */
export interface UsageResult {
  keys: number;
  bytes: number;
  withoutTtl: number;
  /** The largest first. */
  groups: UsageGroup[];
  /** The workflows and activities with the most bytes, the largest first. */
  workflows: UsageWorkflow[];
  /** Keys without a TTL are in none of these. */
  expiry: UsageExpiry[];
}

const HOUR_MS = 3_600_000;
const EXPIRY_MS = [HOUR_MS, 24 * HOUR_MS, 7 * 24 * HOUR_MS, 30 * 24 * HOUR_MS, 90 * 24 * HOUR_MS];

/** Adds keys up. It remembers each workflow, and no key. */
export class UsageTotals {
  keys = 0;
  private bytes = 0;
  private withoutTtl = 0;
  private readonly groups = new Map<string, UsageGroup>();
  private readonly workflows = new Map<string, UsageWorkflow>();
  private readonly expiry: UsageExpiry[] = [...EXPIRY_MS, null].map((withinMs) => ({ withinMs, keys: 0, bytes: 0 }));

  add(target: StorageDriverTargetInfo | undefined, bytes: number, ttlMs: number): void {
    const withoutTtl = ttlMs === -1 ? 1 : 0;
    this.keys += 1;
    this.bytes += bytes;
    this.withoutTtl += withoutTtl;
    const group = this.findGroup(target);
    group.keys += 1;
    group.bytes += bytes;
    group.withoutTtl += withoutTtl;
    if (target?.id !== undefined) {
      const workflow = this.findWorkflow(target, target.id);
      workflow.keys += 1;
      workflow.bytes += bytes;
    }
    if (withoutTtl) return;
    const expiry = this.expiry.find(({ withinMs }) => withinMs === null || ttlMs <= withinMs)!;
    expiry.keys += 1;
    expiry.bytes += bytes;
  }

  toResult(top: number): UsageResult {
    return {
      keys: this.keys,
      bytes: this.bytes,
      withoutTtl: this.withoutTtl,
      groups: [...this.groups.values()].toSorted(byBytes),
      workflows: [...this.workflows.values()].toSorted(byBytes).slice(0, top),
      expiry: this.expiry,
    };
  }

  private findGroup(target: StorageDriverTargetInfo | undefined): UsageGroup {
    const name = `${target?.kind} ${target?.namespace} ${target?.type}`;
    let group = this.groups.get(name);
    if (group === undefined) {
      group = {
        namespace: target?.namespace || null,
        kind: target?.kind ?? null,
        type: target?.type ?? null,
        keys: 0,
        bytes: 0,
        withoutTtl: 0,
      };
      this.groups.set(name, group);
    }
    return group;
  }

  private findWorkflow({ kind, namespace }: StorageDriverTargetInfo, id: string): UsageWorkflow {
    const name = `${kind} ${namespace} ${id}`;
    let workflow = this.workflows.get(name);
    if (workflow === undefined) {
      workflow = { namespace: namespace || null, kind, id, keys: 0, bytes: 0 };
      this.workflows.set(name, workflow);
    }
    return workflow;
  }
}

function byBytes(a: { bytes: number }, b: { bytes: number }): number {
  return b.bytes - a.bytes;
}
