import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { RedisStorageDriver } from '../src';
import { InMemoryStorageDriverClient } from '../src/testing';

const run = promisify(execFile);

/** Large enough for many slices of the scheduler, and for requests that wait for capacity. */
const SIZE = 8 * 1024 * 1024;

const createDriver = (): RedisStorageDriver =>
  new RedisStorageDriver({ client: new InMemoryStorageDriverClient(), maxBytesInFlight: SIZE });

const createPayloads = () => [1, 2, 3].map((fill) => ({ metadata: {}, data: new Uint8Array(SIZE).fill(fill) }));

/** The function `main`, which stores under fake timers, restores the real ones, and stores and reads again. */
const createProgram = (fake: string, restore: string): string => `
const { RedisStorageDriver } = require(${JSON.stringify(join(__dirname, '..'))});
const { InMemoryStorageDriverClient } = require(${JSON.stringify(join(__dirname, '../lib/testing'))});
const createDriver = () => new RedisStorageDriver({ client: new InMemoryStorageDriverClient(), maxBytesInFlight: ${SIZE} });
const createPayloads = () => [1, 2, 3].map((fill) => ({ metadata: {}, data: new Uint8Array(${SIZE}).fill(fill) }));
async function main() {
  ${fake}
  await createDriver().store({}, createPayloads());
  ${restore}
  const driver = createDriver();
  const payloads = await driver.retrieve({}, await driver.store({}, createPayloads()));
  console.log(payloads.map(({ data }) => data[0]).join());
}
`;

const FAKES: [name: string, fake: string, restore: string][] = [
  [
    "Sinon's, all of them",
    `const clock = require(${JSON.stringify(require.resolve('@sinonjs/fake-timers'))}).install();`,
    'clock.uninstall();',
  ],
  [
    "Sinon's, which advance by themselves",
    `const clock = require(${JSON.stringify(require.resolve('@sinonjs/fake-timers'))}).install({
      toFake: ['setTimeout', 'setImmediate', 'Date'], shouldAdvanceTime: true });`,
    'clock.uninstall();',
  ],
  [
    "node:test's",
    "const { mock } = require('node:test'); mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'] });",
    'mock.timers.reset();',
  ],
];

describe('a driver works under fake timers, and after them', () => {
  it.each(FAKES)('%s', async (_name, fake, restore) => {
    const program = `${createProgram(fake, restore)} main();`;
    const { stdout } = await run(process.execPath, ['-e', program], { timeout: 50_000 });
    expect(stdout).toBe('1,2,3\n');
  });

  it("Vitest's", async () => {
    const folder = await mkdtemp(join(tmpdir(), 'vitest-'));
    const program = createProgram('vi.useFakeTimers();', 'vi.useRealTimers();');
    await writeFile(join(folder, 'driver.test.js'), `it('works', async () => { ${program} await main(); });`);
    const vitest = join(dirname(require.resolve('vitest/package.json')), 'vitest.mjs');
    const args = ['run', '--globals', '--root', folder, '--testTimeout', '30000'];
    try {
      const { stdout } = await run(process.execPath, [vitest, ...args], { timeout: 100_000 });
      expect(stdout).toContain('1,2,3\n');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it.each([
    ["Jest's modern ones", { legacyFakeTimers: false }],
    ["Jest's legacy ones", { legacyFakeTimers: true }],
  ] as const)('%s', async (_name, options) => {
    jest.useFakeTimers(options);
    try {
      await expect(createDriver().store({}, createPayloads())).resolves.toHaveLength(3);
    } finally {
      jest.useRealTimers();
    }
    await expect(createDriver().store({}, createPayloads())).resolves.toHaveLength(3);
  });
});
