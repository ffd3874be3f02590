import { maxNeed, NOBODY, type Need } from './need';
import type { Run } from './temporal-queries';

/** A run of a schedule: the id of the schedule's action and the nominal time of the run. */
const SCHEDULED_ID = /^([^]+)-(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z)$/;

/** Answers the result and failure that a run got from the run before it, as text that contains the payloads' keys. */
export type DescribeHandover = (run: Run) => Promise<string>;

/** Finds out what schedules need: the arguments under their action's id, and results that one run leaves to the next. */
export class ScheduledRuns {
  private readonly byActionId = new Map<string, Run[]>();
  private readonly handovers = new Map<string, Promise<string>>();

  /** @param actionIds - of the schedules that exist */
  constructor(
    private readonly actionIds: Set<string>,
    runs: Run[],
    private readonly retentionMs: number,
    private readonly describeHandover: DescribeHandover,
  ) {
    for (const run of runs) {
      const actionId = SCHEDULED_ID.exec(run.id)?.[1];
      if (actionId === undefined) continue;
      const siblings = this.byActionId.get(actionId);
      if (siblings) siblings.push(run);
      else this.byActionId.set(actionId, [run]);
    }
  }

  /** Until when schedules and their runs need the payloads of a workflow id. */
  async findNeed(id: string): Promise<Need> {
    return maxNeed(this.findNeedOfArguments(id), await this.findNeedOfResults(id));
  }

  private findNeedOfArguments(actionId: string): Need {
    if (this.actionIds.has(actionId)) return Infinity;
    return this.findLatestNeed(this.byActionId.get(actionId) ?? []);
  }

  /**
   * The schedule hands each run the result of the last one that completed, and the failure of the last one if it failed
   * since. So the payloads of a run are needed by each later run that starts before they are superseded, and by the
   * schedule itself as long as they aren't.
   */
  private async findNeedOfResults(id: string): Promise<Need> {
    const [, actionId, nominalTime] = SCHEDULED_ID.exec(id) ?? [];
    if (actionId === undefined) return NOBODY;
    const siblings = this.byActionId.get(actionId) ?? [];
    const own = siblings.filter((run) => run.id === id);
    const closedAt = this.findCloseTime(own);
    // A failure is superseded by whatever closes next, a result by the next result.
    const failed = own.length > 0 && own.every((run) => run.closedAt !== undefined && !run.completed);
    const successors = siblings.filter(
      (run) =>
        run.id !== id &&
        (failed || run.completed) &&
        (run.closedAt ?? 0) > closedAt &&
        run.startedAt >= Date.parse(nominalTime!),
    );
    const supersededAt = Math.min(...successors.map((run) => run.closedAt!));
    if (supersededAt === Infinity && this.actionIds.has(actionId)) {
      // Of a run that Temporal has deleted, only a later run can say whether its result is still handed on.
      if (own.length > 0 || siblings.length === 0 || (await this.isHandedOn(id, actionId, siblings))) return Infinity;
    }
    return this.findLatestNeed(siblings.filter((run) => run.startedAt <= supersededAt && !closedBefore(run, closedAt)));
  }

  private async isHandedOn(id: string, actionId: string, siblings: Run[]): Promise<boolean> {
    const newest = siblings.reduce((latest, run) => (run.startedAt > latest.startedAt ? run : latest));
    let handover = this.handovers.get(actionId);
    if (handover === undefined) this.handovers.set(actionId, (handover = this.describeHandover(newest)));
    return (await handover).includes(`:wi:${encodeSegment(id)}:`);
  }

  /** Of a run that Temporal has deleted, it is known only that it closed longer ago than the retention. */
  private findCloseTime(runs: Run[]): number {
    if (runs.length === 0) return Date.now() - this.retentionMs;
    return Math.max(...runs.map((run) => run.closedAt ?? Infinity));
  }

  private findLatestNeed(runs: Run[]): Need {
    return runs.reduce<Need>((need, run) => maxNeed(need, findNeedOfRun(run, this.retentionMs)), NOBODY);
  }
}

/** A run needs its payloads until the namespace's retention has passed since it closed. */
export function findNeedOfRun({ closedAt }: Run, retentionMs: number): Need {
  return closedAt === undefined ? Infinity : closedAt + retentionMs;
}

function closedBefore(run: Run, time: number): boolean {
  return run.closedAt !== undefined && run.closedAt < time;
}

/** As the key format encodes an id. */
function encodeSegment(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
