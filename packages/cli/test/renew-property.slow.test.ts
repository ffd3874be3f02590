import * as fc from 'fast-check';
import { HistoryWorld, type Action } from './support/history-world';
import { RenewServers } from './support/renew-servers';

jest.setTimeout(5_400_000);

/** For a long run: `RENEW_HISTORIES=100 RENEW_SEED=$RANDOM npx pnpm@12 exec jest renew-property`. A failure names its seed. */
const HISTORIES = Number(process.env['RENEW_HISTORIES'] ?? 2);
const SEED = Number(process.env['RENEW_SEED'] ?? 4);

/** Histories that are left out, to repeat the rest of a run. */
const SKIPPED = Number(process.env['RENEW_SKIP'] ?? 0);

/** The server takes half a minute to delete runs, so that many histories run at the same time. */
const CONCURRENCY = 6;

const label = fc.oneof(
  fc.constantFrom(
    'order',
    'with "quotes"',
    'x") OR (1=1',
    'back\\slash',
    "it's",
    'a:wi:b:ri:null',
    '%41%',
    '*?[a-z]',
    '😀',
  ),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
);

const kind = fc.oneof(
  ...(
    [
      ['start', 4],
      ['signal', 2],
      ['complete', 4],
      ['fail', 3],
      ['continueAsNew', 2],
      ['startChild', 4],
      ['failChild', 4],
      ['terminate', 1],
      ['reset', 1],
      ['createSchedule', 1],
      ['trigger', 4],
      ['deleteSchedule', 1],
      ['startActivity', 1],
      ['endActivity', 1],
      ['passDay', 7],
      ['passDayWithFaults', 2],
      ['passDayWithTwoRenewals', 1],
      ['deleteClosed', 1],
    ] as const
  ).map(([name, weight]) => ({ arbitrary: fc.constant(name), weight })),
);

const action: fc.Arbitrary<Action> = fc.record({
  kind,
  label,
  pick: fc.nat(1000),
  share: fc.double({ min: 0.5, max: 1, noNaN: true }),
});

describe('renew, on histories that are drawn at random,', () => {
  const servers = new RenewServers();

  beforeAll(async () => servers.start());

  afterAll(async () => servers.stop());

  /** Most actions need a workflow, a schedule or an activity to act on. */
  const beginning: Action['kind'][] = ['start', 'startChild', 'createSchedule', 'trigger', 'startActivity'];

  it('keeps every payload that is needed, and lets every other one expire', async () => {
    const histories = fc.sample(fc.array(action, { minLength: 20, maxLength: 30 }), { seed: SEED, numRuns: HISTORIES });
    const violations: string[] = [];
    let renewals = 0;
    let keys = 0;
    const counts: Record<string, number> = {};
    const remaining = [...histories.entries()].slice(SKIPPED).values();
    const worker = async (): Promise<void> => {
      for (const [index, history] of remaining) {
        const world = new HistoryWorld(servers);
        try {
          await world.prepare();
          for (const each of beginning) await world.act({ kind: each, label: each, pick: 0, share: 1 });
          for (const step of history) await world.act(step);
          await world.outlast();
          await world.end();
        } catch (error) {
          violations.push(`history ${index} of seed ${SEED}: ${(error as Error).message}`);
        }
        renewals += world.renewals;
        keys += world.keys;
        for (const [name, count] of Object.entries(world.counts)) counts[name] = (counts[name] ?? 0) + count;
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, worker));

    if (process.env['RENEW_HISTORIES']) {
      const drawn = { seed: SEED, histories: HISTORIES - SKIPPED, keys, renewals, violations: violations.length };
      console.log(drawn, counts);
    }
    expect(violations).toEqual([]);
    expect(renewals).toBeGreaterThan((HISTORIES - SKIPPED) * 5);
    expect(keys).toBeGreaterThan((HISTORIES - SKIPPED) * 5);
    for (const each of beginning) expect(counts[each]).toBeGreaterThanOrEqual(HISTORIES - SKIPPED);
  });
});
