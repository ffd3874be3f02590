import { randomUUID } from 'node:crypto';
import type { RenewResult } from '../src';
import { createPrefix } from './support/redis';
import { DAY_MS, DUE_MS, expectTtl, RenewServers, RETENTION_MS } from './support/renew-servers';
import { referTo, type ScriptedWorkflows } from './support/scripted-workflows';

jest.setTimeout(400_000);

/** The means of a story: a prefix and a task queue that no other story uses. */
interface Story {
  scripted: ScriptedWorkflows;
  writeDue: (id: string) => Promise<string>;
  renew: () => Promise<RenewResult>;
}

describe('renew, once Temporal has deleted runs,', () => {
  const servers = new RenewServers();
  let outcomes: { [title in keyof typeof stories]: Promise<void> };

  const stories = {
    leaveDeletedRun,
    extendChildResult,
    extendChildFailure: async (story: Story) => extendChildFailure(story, 'plain'),
    extendChildFailureOfQuotedId: async (story: Story) => extendChildFailure(story, 'with "quotes"'),
    extendScheduleResult,
  };

  /** The server takes half a minute to delete a run, so that the stories run at the same time. */
  beforeAll(async () => {
    await servers.start();
    const running = Object.entries(stories).map(([title, story]) => {
      const keyPrefix = createPrefix();
      const outcome = story({
        scripted: servers.workflows.fork(),
        writeDue: async (id) => servers.write(keyPrefix, { id }),
        renew: async () => servers.renew({ keyPrefix }),
      });
      // Its test reports it.
      outcome.catch(() => {});
      return [title, outcome] as const;
    });
    outcomes = Object.fromEntries(running) as typeof outcomes;
  });

  afterAll(async () => {
    await Promise.allSettled(Object.values(outcomes));
    await servers.stop();
  });

  it('leaves the payloads of a deleted run', async () => {
    await expect(outcomes.leaveDeletedRun).resolves.toBeUndefined();
  });

  it("extends a child's result, which is stored under its parent's id, as long as the child has its history", async () => {
    await expect(outcomes.extendChildResult).resolves.toBeUndefined();
  });

  it("extends a deleted child's failure as long as its parent needs it", async () => {
    await expect(outcomes.extendChildFailure).resolves.toBeUndefined();
  });

  it("extends a deleted child's failure as long as its parent needs it, where ids have quotes", async () => {
    await expect(outcomes.extendChildFailureOfQuotedId).resolves.toBeUndefined();
  });

  it("extends a schedule's last result and failure, though the runs that they are from are deleted", async () => {
    await expect(outcomes.extendScheduleResult).resolves.toBeUndefined();
  });

  async function leaveDeletedRun({ scripted, writeDue, renew }: Story): Promise<void> {
    const id = await servers.startClosed();
    const key = await writeDue(id);
    await scripted.deleteRuns(id);
    await expect(renew()).resolves.toMatchObject({ extended: 0, left: 1 });
    await expectTtl(servers, key, DUE_MS);
  }

  async function extendChildResult({ scripted, writeDue, renew }: Story): Promise<void> {
    const [parent, child] = [`p-${randomUUID()}`, `c-${randomUUID()}`];
    await scripted.start(parent);
    await scripted.startChild(parent, child, referTo('elsewhere'));
    await scripted.terminate(parent);
    await scripted.waitFor(parent, false);
    await scripted.deleteRuns(parent);
    const key = await writeDue(parent);
    await expect(renew()).resolves.toMatchObject({ extended: 1, left: 0 });
    await expectTtl(servers, key, 30 * DAY_MS);
  }

  async function extendChildFailure({ scripted, writeDue, renew }: Story, label: string): Promise<void> {
    const [parent, child] = [`p-${label}-${randomUUID()}`, `c-${label}-${randomUUID()}`];
    await scripted.start(parent);
    await scripted.startChild(parent, child, referTo('elsewhere'));
    const key = await writeDue(child);
    await scripted.fail(child, referTo(key));
    await scripted.waitFor(child, false);
    await expect(renew()).resolves.toMatchObject({ extended: 1 });
    await scripted.deleteRuns(child);

    await servers.redis.pExpire(key, 60_000);
    await expect(renew()).resolves.toMatchObject({ extended: 1, left: 0 });
    await expectTtl(servers, key, 30 * DAY_MS);

    await scripted.terminate(parent);
    await scripted.waitFor(parent, false);
    await scripted.deleteRuns(parent);
    await servers.redis.pExpire(key, DUE_MS);
    await expect(renew()).resolves.toMatchObject({ extended: 0, left: 1 });
  }

  async function extendScheduleResult({ scripted, writeDue, renew }: Story): Promise<void> {
    const id = `s-${randomUUID()}`;
    await scripted.createSchedule(id, id, referTo('elsewhere'));
    const first = await scripted.trigger(id, id);
    const result = await writeDue(first);
    await scripted.complete(first, referTo(result));
    await scripted.waitFor(first, false);
    const second = await scripted.trigger(id, id);
    const started = (await scripted.readHistory(second)).at(0)!;
    const handedOn = started.workflowExecutionStartedEventAttributes!.lastCompletionResult!.payloads![0]!;
    expect(Buffer.from(handedOn.data!).toString()).toContain(result);
    await scripted.deleteRuns(first);
    await expect(renew()).resolves.toMatchObject({ extended: 1, left: 0 });
    await expectTtl(servers, result, 30 * DAY_MS);

    const failure = await writeDue(second);
    await scripted.fail(second, referTo(failure));
    await scripted.waitFor(second, false);
    const third = await scripted.trigger(id, id);
    await scripted.deleteRuns(second);
    for (const key of [result, failure]) await servers.redis.pExpire(key, DUE_MS);
    await expect(renew()).resolves.toMatchObject({ extended: 2, left: 0 });
    await expectTtl(servers, result, 30 * DAY_MS);

    const next = await writeDue(third);
    await scripted.complete(third, referTo(next));
    await scripted.waitFor(third, false);
    for (const key of [result, failure]) await servers.redis.pExpire(key, 60_000);
    await expect(renew()).resolves.toMatchObject({ extended: 3, left: 0 });
    await expectTtl(servers, result, RETENTION_MS + 2 * DAY_MS);
    await expectTtl(servers, next, 30 * DAY_MS);
  }
});
