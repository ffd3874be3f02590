import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporal } from '@temporalio/proto';
import { startFaultProxy } from '@temporal-redis-storage/testing';
import type { RenewOptions, RenewResult } from '../../src';
import { createPrefix, spellKey, type KeyTarget } from './redis';
import { DAY_MS, type RenewServers } from './renew-servers';
import { eventually, referTo, type ScriptedWorkflows } from './scripted-workflows';

const { EventType } = temporal.api.enums.v1;
const { HistoryEvent } = temporal.api.history.v1;
const { DescribeScheduleResponse } = temporal.api.workflowservice.v1;

/** Payloads live for four days, and are renewed once a day at least. */
const TTL_MS = 4 * DAY_MS;

/** How far a TTL may be off, apart from the time that has passed. */
const TOLERANCE_MS = 60_000;

/** Renewals in a row that may find Temporal too slow to answer. */
const MAX_RENEWALS = 3;

/** One step of a history; `pick` and `share` decide which workflow, and how much. */
export interface Action {
  kind:
    | 'start'
    | 'signal'
    | 'complete'
    | 'fail'
    | 'failChild'
    | 'continueAsNew'
    | 'startChild'
    | 'terminate'
    | 'reset'
    | 'createSchedule'
    | 'trigger'
    | 'deleteSchedule'
    | 'startActivity'
    | 'endActivity'
    | 'passDay'
    | 'passDayWithFaults'
    | 'passDayWithTwoRenewals'
    | 'deleteClosed';
  label: string;
  pick: number;
  /** From 0 to 1. */
  share: number;
}

interface Workflow {
  id: string;
  parentId?: string;
  /** Whether its latest run isn't the first. */
  continued?: boolean;
  /** Whether payloads have been renewed since it closed: the retention must be longer than the time between renewals. */
  renewedSince?: boolean;
}

interface Schedule {
  id: string;
  lastRunId?: string;
}

/**
 * Workflows, schedules and activities on a real server, whose references lead to keys of a real Redis, and the checks
 * that hold for the keys. The model knows nothing of how `renew` decides: it reads every reference that Temporal keeps.
 */
export class HistoryWorld {
  readonly keyPrefix = createPrefix();
  renewals = 0;
  /** Payloads that were written. */
  keys = 0;
  readonly counts: Partial<Record<Action['kind'], number>> = {};
  private readonly scripted: ScriptedWorkflows;
  private open: Workflow[] = [];
  private closed: Workflow[] = [];
  private schedules: Schedule[] = [];
  private activities: string[] = [];
  private readonly ids = new Set<string>();
  private readonly foreignKeys: string[] = [];
  /** When the keys that no renewal may touch got their TTL. */
  private agedAt = Date.now();
  private unscopedKey = '';

  constructor(private readonly servers: RenewServers) {
    this.scripted = servers.workflows.fork();
  }

  /** Keys that no renewal may touch, and one that every renewal extends. */
  async prepare(): Promise<void> {
    this.unscopedKey = await this.store(undefined);
    const { redis, temporal: server } = this.servers;
    const target = { namespace: server.namespace, id: 'x' };
    const digest = '0'.repeat(64);
    this.foreignKeys.push(
      spellKey(this.keyPrefix, { ...target, namespace: 'another' }),
      spellKey(`${this.keyPrefix}-other`, target),
      `${this.keyPrefix}:v0:note`,
      `${this.keyPrefix}:v0:ns:${server.namespace}:wt:x:d:sha256:${digest}`,
    );
    for (const key of this.foreignKeys) await redis.set(key, 'x', { PX: DAY_MS });
  }

  /** Does nothing where there is nothing to do it with: no open workflow to complete, for instance. */
  async act(action: Action): Promise<void> {
    const acted = await this.steps[action.kind](action);
    if (acted) this.counts[action.kind] = (this.counts[action.kind] ?? 0) + 1;
  }

  private readonly steps: Record<Action['kind'], (action: Action) => Promise<boolean>> = {
    start: async ({ label }) => {
      const id = this.createId(label);
      await this.scripted.start(id, [referTo(await this.store({ type: 'scripted', id }))]);
      this.open.push({ id });
      return true;
    },
    signal: async (action) =>
      this.withOpen(action, async ({ id }) => this.scripted.signal(id, [referTo(await this.store({ id }))])),
    complete: async (action) =>
      this.withOpen(action, async (workflow) => {
        // The SDK stores a child's result under its parent, unless the child has continued as new.
        const id = workflow.continued ? workflow.id : (workflow.parentId ?? workflow.id);
        await this.scripted.complete(workflow.id, referTo(await this.store({ id, runId: randomUUID() })));
        this.close(workflow);
      }),
    fail: async (action) =>
      this.withOpen(action, async (workflow) => {
        const { id } = workflow;
        await this.scripted.fail(id, referTo(await this.store({ type: 'scripted', id })));
        this.close(workflow);
      }),
    failChild: async ({ pick }) => {
      const children = this.open.filter(({ parentId }) => this.open.some(({ id }) => id === parentId));
      const child = choose(children, pick);
      if (child === undefined) return false;
      await this.scripted.fail(child.id, referTo(await this.store({ type: 'scripted', id: child.id })));
      this.close(child);
      return true;
    },
    continueAsNew: async (action) =>
      this.withOpen(action, async (workflow) => {
        const { id } = workflow;
        await this.scripted.continueAsNew(id, referTo(await this.store({ type: 'scripted', id })));
        workflow.continued = true;
      }),
    startChild: async (action) =>
      this.withOpen(action, async ({ id: parentId }) => {
        const id = this.createId(action.label);
        await this.scripted.startChild(parentId, id, referTo(await this.store({ type: 'scripted', id })));
        this.open.push({ id, parentId });
      }),
    terminate: async (action) =>
      this.withOpen(action, async (workflow) => {
        await this.scripted.terminate(workflow.id);
        this.close(workflow);
      }),
    reset: async ({ pick }) => {
      const workflow = choose([...this.open, ...this.closed], pick);
      return workflow !== undefined && this.reset(workflow);
    },
    createSchedule: async ({ label }) => {
      const id = this.createId(label);
      await this.scripted.createSchedule(id, id, referTo(await this.store({ type: 'scripted', id })));
      await this.scripted.waitForSchedule(id, true);
      this.schedules.push({ id });
      return true;
    },
    trigger: async ({ pick }) => {
      const schedule = choose(this.schedules, pick);
      if (schedule === undefined || this.open.some(({ id }) => id === schedule.lastRunId)) return false;
      const id = await this.scripted.trigger(schedule.id, schedule.id);
      schedule.lastRunId = id;
      this.ids.add(id);
      this.open.push({ id });
      return true;
    },
    deleteSchedule: async ({ pick }) => {
      const schedule = choose(this.schedules, pick);
      if (schedule === undefined) return false;
      this.schedules = this.schedules.filter((each) => each !== schedule);
      await this.scripted.deleteSchedule(schedule.id);
      await this.scripted.waitForSchedule(schedule.id, false);
      return true;
    },
    startActivity: async ({ label }) => {
      const id = this.createId(label);
      await this.scripted.startActivity(id, [referTo(await this.store({ kind: 'activity', type: 'work', id }))]);
      this.activities.push(id);
      return true;
    },
    endActivity: async ({ pick }) => {
      const id = choose(this.activities, pick);
      if (id === undefined) return false;
      this.activities = this.activities.filter((each) => each !== id);
      await this.scripted.deleteActivity(id);
      return true;
    },
    passDay: async ({ share }) => {
      await this.passDay(share);
      return true;
    },
    passDayWithFaults: async ({ share, pick }) => {
      await this.age(share * DAY_MS);
      await this.checkNeededKeys();
      await this.waitForVisibility();
      await this.checkUntouched(async () => this.renewWithFaults(pick));
      await this.renewAndCheck();
      return true;
    },
    passDayWithTwoRenewals: async ({ share }) => {
      await this.age(share * DAY_MS);
      await this.checkNeededKeys();
      await this.waitForVisibility();
      await this.checkUntouched(async () => Promise.all([this.renew(), this.renew()]));
      return true;
    },
    deleteClosed: async ({ pick }) => {
      const deleted = this.closed.filter(({ renewedSince }, index) => renewedSince && (index + pick) % 3 !== 0);
      this.closed = this.closed.filter((each) => !deleted.includes(each));
      await this.scripted.deleteRuns(...deleted.map(({ id }) => id));
      return deleted.length > 0;
    },
  };

  /** Lets up to a day pass, in Redis, and renews. */
  async passDay(share: number): Promise<RenewResult> {
    await this.age(share * DAY_MS);
    await this.checkNeededKeys();
    return this.renewAndCheck();
  }

  /** Deletes all that is closed, and lets days pass until every payload would have expired: open runs still need theirs. */
  async outlast(): Promise<void> {
    await this.passDay(1);
    await this.scripted.deleteRuns(...this.closed.splice(0).map(({ id }) => id));
    for (let day = 0; day <= TTL_MS / DAY_MS; day += 1) await this.passDay(1);
    await this.checkNeededKeys();
  }

  /** Ends and deletes everything, so that nobody needs a payload any more, and lets days pass until all are gone. */
  async end(): Promise<void> {
    for (const { id } of this.schedules.splice(0)) {
      await this.scripted.deleteSchedule(id);
      await this.scripted.waitForSchedule(id, false);
    }
    for (const id of this.activities.splice(0)) await this.scripted.deleteActivity(id);
    const open = this.open.splice(0);
    this.closed = [];
    for (const { id } of open) await this.scripted.terminate(id);
    for (const { id } of open) await this.scripted.waitFor(id, false);
    await this.scripted.deleteRuns(...this.ids);
    for (let day = 0; day <= TTL_MS / DAY_MS; day += 1) {
      const { extended, unscoped, unanswered } = await this.passDay(1);
      if (extended > unscoped || unanswered > 0) throw new Error(`Extended payloads that nobody needs on day ${day}`);
    }
    const keys = await this.servers.redis.keys(`${this.keyPrefix}:v0:ns:${this.servers.temporal.namespace}:*`);
    const remaining = keys.filter((key) => !this.foreignKeys.includes(key));
    if (remaining.length > 0) throw new Error(`Payloads that nobody needs are still there: ${remaining.join(', ')}`);
    if ((await this.servers.redis.exists(this.unscopedKey)) === 0)
      throw new Error('A payload without a target expired');
  }

  private async withOpen({ pick }: Action, work: (workflow: Workflow) => Promise<void>): Promise<boolean> {
    const workflow = choose(this.open, pick);
    if (workflow !== undefined) await work(workflow);
    return workflow !== undefined;
  }

  private createId(label: string): string {
    const id = `${label}~${randomUUID().slice(0, 8)}`;
    this.ids.add(id);
    return id;
  }

  private close(workflow: Workflow): void {
    this.open = this.open.filter((each) => each !== workflow);
    workflow.renewedSince = false;
    this.closed.push(workflow);
  }

  private async reset(workflow: Workflow): Promise<boolean> {
    const { scripted } = this;
    const description = await scripted.describe(workflow.id);
    const runId = description?.execution?.runId;
    if (!runId) return false;
    const events = await scripted.readHistory(workflow.id, runId);
    const hasRun = events.some(({ eventType }) => eventType === EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED);
    if (!hasRun) return false;
    await scripted.reset(workflow.id, runId);
    this.closed = this.closed.filter((each) => each !== workflow);
    if (!this.open.includes(workflow)) this.open.push(workflow);
    return true;
  }

  /** Writes a payload as the driver does. */
  private async store(target: KeyTarget | undefined): Promise<string> {
    this.keys += 1;
    return this.servers.write(this.keyPrefix, target, TTL_MS);
  }

  private async renew(options: Partial<RenewOptions> = {}): Promise<RenewResult> {
    this.renewals += 1;
    return this.servers.renew({ keyPrefix: this.keyPrefix, ttl: TTL_MS, ...options });
  }

  private async renewAndCheck(): Promise<RenewResult> {
    await this.waitForVisibility();
    for (let attempt = 1; ; attempt += 1) {
      const result = await this.checkUntouched(async () => this.renew());
      for (const workflow of this.closed) workflow.renewedSince = true;
      if (result.unanswered === 0) return result;
      // A busy machine may take longer than a request's time-out.
      if (attempt === MAX_RENEWALS) throw new Error(`Temporal could not be asked: ${result.failure}`);
    }
  }

  /** Connections to Redis and to Temporal break again and again. The renewal may fail; it must do no harm. */
  private async renewWithFaults(pick: number): Promise<void> {
    const [host = '', port] = this.servers.temporal.address.split(':');
    const redis = await startFaultProxy(this.servers.server);
    const temporalProxy = await startFaultProxy({ host, port: Number(port) });
    const proxy = pick % 2 === 0 ? redis : temporalProxy;
    const breaking = new AbortController();
    const breakLinks = async (): Promise<void> => {
      for (let count = 0; count < 5 && !breaking.signal.aborted; count += 1) {
        await sleep(5 + ((pick * (count + 1)) % 40));
        for (const link of proxy.links) link.reset();
      }
    };
    try {
      const renewal = this.renew({
        redisUrl: `redis://${redis.host}:${redis.port}`,
        address: `${temporalProxy.host}:${temporalProxy.port}`,
      });
      await Promise.allSettled([renewal, breakLinks()]);
    } finally {
      breaking.abort();
      await redis.stop();
      await temporalProxy.stop();
    }
  }

  /** Lets time pass for the keys, as far as Redis is concerned. */
  private async age(ms: number): Promise<void> {
    const { redis } = this.servers;
    for (const [key, ttlMs] of await this.readTtls()) {
      if (ttlMs > ms) await redis.pExpire(key, Math.floor(ttlMs - ms));
      else await redis.del(key);
    }
    this.agedAt = Date.now();
    for (const key of this.foreignKeys) await redis.pExpire(key, DAY_MS);
  }

  private async readTtls(): Promise<Map<string, number>> {
    const { redis } = this.servers;
    const keys = (await redis.keys(`${this.keyPrefix}*`)).filter((key) => !this.foreignKeys.includes(key));
    const ttls = await Promise.all(keys.map(async (key) => redis.pTTL(key)));
    return new Map(keys.map((key, index) => [key, ttls[index]!]));
  }

  /** Checks that a renewal shortens no TTL, deletes no key and touches no key that isn't its own. */
  private async checkUntouched<T>(renew: () => Promise<T>): Promise<T> {
    const start = Date.now();
    const before = await this.readTtls();
    const result = await renew();
    const after = await this.readTtls();
    const toleranceMs = Date.now() - start + TOLERANCE_MS;
    for (const [key, ttlMs] of before) {
      const now = after.get(key);
      if (now === undefined && ttlMs > toleranceMs) throw new Error(`A renewal deleted ${key}`);
      if (now !== undefined && now < ttlMs - toleranceMs) throw new Error(`A renewal shortened the TTL of ${key}`);
    }
    for (const key of this.foreignKeys) {
      const ttlMs = await this.servers.redis.pTTL(key);
      const leastMs = DAY_MS - (Date.now() - this.agedAt) - TOLERANCE_MS;
      if (ttlMs > DAY_MS || ttlMs < leastMs) throw new Error(`A renewal touched ${key}`);
    }
    return result;
  }

  /** Visibility lags behind: a run may be in no list for a moment. */
  private async waitForVisibility(): Promise<void> {
    await eventually(async () => {
      const runs = await this.scripted.list();
      const isListed = ({ id }: Workflow, isOpen: boolean): boolean => {
        const own = runs.filter(({ workflowId }) => workflowId === id);
        return own.length > 0 && own.some((run) => run.isOpen) === isOpen;
      };
      return this.open.every((each) => isListed(each, true)) && this.closed.every((each) => isListed(each, false));
    });
  }

  /** Checks that each payload exists that Temporal still refers to. */
  private async checkNeededKeys(): Promise<void> {
    const { redis } = this.servers;
    for (const [key, place] of await this.readReferences()) {
      if ((await redis.exists(key)) === 0) throw new Error(`A payload expired that ${place} refers to: ${key}`);
    }
  }

  /** The keys that Temporal's histories, schedules and activities refer to, and where. */
  private async readReferences(): Promise<Map<string, string>> {
    const { scripted, ids } = this;
    const references = new Map<string, string>();
    const note = (bytes: Uint8Array, place: string): void => {
      for (const [, key] of Buffer.from(bytes)
        .toString('latin1')
        .matchAll(/"key":"([^"]+)"/g))
        references.set(key!, place);
    };
    const runs = (await scripted.list()).filter(({ workflowId }) => ids.has(workflowId));
    const retained = new Set(runs.map(({ workflowId }) => workflowId));
    for (const { workflowId, runId } of runs) {
      for (const event of await scripted.readHistory(workflowId, runId)) {
        // Of a child's input, the parent's history holds a copy, which is never read when it is replayed.
        const child = event.startChildWorkflowExecutionInitiatedEventAttributes?.workflowId;
        if (child && !retained.has(child)) continue;
        note(HistoryEvent.encode(event).finish(), `event ${String(event.eventId)} of ${workflowId}`);
      }
    }
    for (const { id } of this.schedules) {
      const { namespace } = scripted;
      const description = await scripted.service.describeSchedule({ namespace, scheduleId: id });
      note(DescribeScheduleResponse.encode(description).finish(), `schedule ${id}`);
    }
    for (const id of this.activities) note(await scripted.describeActivity(id), `activity ${id}`);
    return references;
  }
}

function choose<T>(items: T[], pick: number): T | undefined {
  return items[pick % Math.max(items.length, 1)];
}
