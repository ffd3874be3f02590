import type { StorageDriverTargetInfo } from '@temporalio/common';
import { maxNeed, NOBODY, UNANSWERED, type Need } from './need';
import type { ParentLinks } from './parent-links';
import { isQuotable, quoteIds, splitForQueries } from './query-values';
import { findNeedOfRun, ScheduledRuns } from './scheduled-runs';
import type { Run, TemporalQueries } from './temporal-queries';

/** Distinct ids whose answers are kept; some 100 bytes each. */
const MAX_ANSWERS = 300_000;

/** Queries at once. Their rate is limited as well. */
const CONCURRENCY = 4;

/** Finds out until when payloads are needed. Each id is asked once. */
export class Needs {
  private readonly workflows = new Map<string, Need>();
  private readonly activities = new Map<string, Need>();
  private scheduledRuns: Promise<ScheduledRuns> | undefined;
  private childRuns: Promise<Run[]> | undefined;

  constructor(
    private readonly queries: TemporalQueries,
    private readonly retentionMs: number,
    private readonly links: ParentLinks,
    /** Whether the parents of all children that Temporal still has are in `links`. */
    private readonly linksComplete: boolean,
  ) {}

  /** Asks about the targets that weren't asked about yet. Never rejects, unless it is aborted or Redis fails. */
  async ask(targets: StorageDriverTargetInfo[]): Promise<void> {
    if (this.workflows.size + this.activities.size > MAX_ANSWERS) {
      this.workflows.clear();
      this.activities.clear();
    }
    await this.askWorkflows(findUnasked(targets, 'workflow', this.workflows));
    await this.askActivities(findUnasked(targets, 'activity', this.activities));
  }

  /** The answer about a target that was asked about. */
  find({ kind, id }: StorageDriverTargetInfo): Need {
    return (kind === 'workflow' ? this.workflows : this.activities).get(id!) ?? UNANSWERED;
  }

  private async askWorkflows(ids: string[]): Promise<void> {
    const parents = new Map<string, Set<string>>();
    const note = (run: Run): void => {
      const need = findNeedOfRun(run, this.retentionMs);
      this.add(run.id, need);
      if (run.parentId === undefined) return;
      this.add(run.parentId, need);
      const known = parents.get(run.id);
      if (known) known.add(run.parentId);
      else parents.set(run.id, new Set([run.parentId]));
    };

    for (const id of ids) this.workflows.set(id, NOBODY);
    await this.askByQuery(
      ids.filter(isQuotable),
      this.workflows,
      (list) => {
        const values = quoteIds(list);
        return this.queries.listRuns(`WorkflowId IN (${values}) OR ParentWorkflowId IN (${values})`);
      },
      note,
    );
    await this.askOneByOne(
      ids.filter((id) => !isQuotable(id)),
      note,
    );

    const open = (id: string): boolean => this.workflows.get(id) === Infinity;
    await this.addSchedules(ids.filter((id) => !open(id)));
    await this.addParents(
      ids.filter((id) => !open(id)),
      parents,
    );
  }

  /** A note about an id that wasn't asked about is ignored: it is but a part of the answer. */
  private add(id: string, need: Need, needs = this.workflows): void {
    const known = needs.get(id);
    if (known !== undefined) needs.set(id, maxNeed(known, need));
  }

  private async askByQuery(
    ids: string[],
    needs: Map<string, Need>,
    list: (ids: string[]) => AsyncIterable<Run>,
    note: (run: Run) => void,
  ): Promise<void> {
    await forEachConcurrently(splitForQueries(ids), async (batch) => {
      try {
        for await (const run of list(batch)) {
          note(run);
          if (batch.every((id) => needs.get(id) === Infinity)) return;
        }
      } catch {
        for (const id of batch) this.add(id, UNANSWERED, needs);
      }
    });
  }

  /** A description knows only the latest run, which closes last, and no children. So all children are listed. */
  private async askOneByOne(ids: string[], note: (run: Run) => void): Promise<void> {
    if (ids.length === 0) return;
    await forEachConcurrently(ids, async (id) => {
      try {
        const run = await this.queries.describeLatestRun(id);
        if (run) note(run);
      } catch {
        this.add(id, UNANSWERED);
      }
    });
    try {
      const wanted = new Set(ids);
      for (const run of await (this.childRuns ??= collect(this.queries.listRuns('ParentWorkflowId IS NOT NULL')))) {
        if (wanted.has(run.parentId!)) note(run);
      }
    } catch {
      for (const id of ids) this.add(id, UNANSWERED);
    }
  }

  private async addSchedules(ids: string[]): Promise<void> {
    if (ids.length === 0) return;
    try {
      const scheduled = await (this.scheduledRuns ??= this.listScheduledRuns());
      for (const id of ids) this.add(id, await scheduled.findNeed(id));
    } catch {
      for (const id of ids) this.add(id, UNANSWERED);
    }
  }

  private async listScheduledRuns(): Promise<ScheduledRuns> {
    const actionIds = await this.queries.listActionIds();
    const runs = await collect(this.queries.listRuns('TemporalScheduledById IS NOT NULL'));
    return new ScheduledRuns(actionIds, runs, this.retentionMs, async (run) => this.queries.describeHandover(run));
  }

  /**
   * The failure of a child, and the result of a child that continued as new, are stored under the child, and its parent's
   * history refers to them. The parent may outlive the child by any time.
   */
  private async addParents(ids: string[], found: Map<string, Set<string>>): Promise<void> {
    const remembered = await this.links.find(ids.filter((id) => !found.has(id)));
    const children = new Map<string, string[]>();
    for (const id of ids) {
      for (const parent of found.get(id) ?? remembered.get(id) ?? []) {
        const siblings = children.get(parent);
        if (siblings) siblings.push(id);
        else children.set(parent, [id]);
      }
    }
    const note = (run: Run): void => {
      for (const id of children.get(run.id) ?? []) this.add(id, findNeedOfRun(run, this.retentionMs));
    };
    const fail = (parents: string[]): void => {
      for (const id of parents.flatMap((parent) => children.get(parent)!)) this.add(id, UNANSWERED);
    };
    const parents = [...children.keys()];
    await forEachConcurrently(splitForQueries(parents.filter(isQuotable)), async (batch) => {
      try {
        for await (const run of this.queries.listRuns(`WorkflowId IN (${quoteIds(batch)})`)) note(run);
      } catch {
        fail(batch);
      }
    });
    await forEachConcurrently(
      parents.filter((id) => !isQuotable(id)),
      async (parent) => {
        try {
          const run = await this.queries.describeLatestRun(parent);
          if (run) note(run);
        } catch {
          fail([parent]);
        }
      },
    );
    if (!this.linksComplete) for (const id of ids) this.add(id, UNANSWERED);
    await this.links.keep([...remembered.keys()].filter((id) => this.workflows.get(id) !== NOBODY));
  }

  private async askActivities(ids: string[]): Promise<void> {
    for (const id of ids) this.activities.set(id, NOBODY);
    const note = (run: Run): void => this.add(run.id, findNeedOfRun(run, this.retentionMs), this.activities);
    const list = (batch: string[]): AsyncIterable<Run> =>
      this.queries.listActivities(`ActivityId IN (${quoteIds(batch)})`);
    await this.askByQuery(ids.filter(isQuotable), this.activities, list, note);
    await forEachConcurrently(
      ids.filter((id) => !isQuotable(id)),
      async (id) => {
        try {
          const run = await this.queries.describeActivity(id);
          if (run) note(run);
        } catch {
          this.add(id, UNANSWERED, this.activities);
        }
      },
    );
  }
}

function findUnasked(targets: StorageDriverTargetInfo[], kind: string, asked: Map<string, Need>): string[] {
  const ids = targets.flatMap((target) => (target.kind === kind && !asked.has(target.id!) ? [target.id!] : []));
  return [...new Set(ids)];
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

async function forEachConcurrently<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  const remaining = items.values();
  const worker = async (): Promise<void> => {
    for (const item of remaining) await work(item);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}
