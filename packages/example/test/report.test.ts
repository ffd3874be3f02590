import {
  formatBytes,
  formatComparisonTable,
  formatDuration,
  formatParagraph,
  formatSummaryTable,
  type RunReport,
} from '../src/report';

const failed: RunReport = {
  outcome: 'failed',
  ms: 1049,
  history: { events: 35, bytes: 426_843 },
  redis: { keys: 0, bytes: 0, shortestTtl: Infinity, longestTtl: -Infinity },
};
const completed: RunReport = {
  outcome: 'completed',
  ms: 65_432,
  history: { events: 1170, bytes: 53_812 },
  redis: { keys: 39, bytes: 108_600_000, shortestTtl: 3_590_000, longestTtl: 3_598_000 },
};

describe('formatComparisonTable', () => {
  it('shows outcome, time, Event History, Redis and TTL of both runs', () => {
    expect(`\n${formatComparisonTable(failed, completed)}\n`).toBe(`
                   without          with
  Workflow          failed     completed
  Time               1.0 s     1 min 5 s
  Event History   426.8 kB       53.8 kB
    events              35         1,170
  Redis                0 B      108.6 MB
    keys                 0            39
    expire in            -   59 min 58 s
`);
  });
});

describe('formatSummaryTable', () => {
  it('returns one row per region', () => {
    const grams = 1_253_400_000;
    expect(
      `\n${formatSummaryTable([
        { region: 'asia', orders: 12_014, items: 126_669, netCents: 3_163_248_549, taxCents: 367_543_651, grams },
        { region: 'oceania', orders: 1, items: 2, netCents: 1_99, taxCents: 20, grams: 0 },
      ])}\n`,
    ).toBe(`
  Region    Orders     Items        Net €       Tax €    Weight
  asia      12,014   126,669   31,632,485   3,675,437   1,253 t
  oceania        1         2            2           0       0 t
`);
  });
});

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [999_949, '999.9 kB'],
    [999_950, '1.0 MB'],
    [108_600_000, '108.6 MB'],
  ])('formats %d bytes as %s', (value, text) => {
    expect(formatBytes(value)).toBe(text);
  });
});

describe('formatDuration', () => {
  it.each([
    [40, '0.0 s'],
    [59_949, '59.9 s'],
    [59_951, '1 min 0 s'],
    [3_598_000, '59 min 58 s'],
    [3_600_000, '60 min 0 s'],
  ])('formats %d ms as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe('formatParagraph', () => {
  it('wraps at 80 columns and keeps all words in order', () => {
    const words = Array.from({ length: 60 }, (_, index) => `word${index}`).join(' ');
    const lines = formatParagraph(words).split('\n');
    expect(lines.length).toBeGreaterThan(1);
    for (const line of lines) expect(line).toMatch(/^ {2}\S.{0,76}\S$/);
    expect(lines.map((line) => line.trim()).join(' ')).toBe(words);
  });
});
