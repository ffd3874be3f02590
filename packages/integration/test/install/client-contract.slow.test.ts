import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './run';
import { packAll } from './tarballs';

/** Creates tests of a third-party client, which run the contract with the project's own test runner. */
const createTests = (importStatement: string): string => `
${importStatement}
import { clientContract, InMemoryStorageDriverClient } from '@temporal-redis-storage/core/testing';

const client = new InMemoryStorageDriverClient();
const { entries } = client;
const store = {
  read: (key) => client.get(key),
  write: async (key, value, ttlMs = Infinity) => void entries.set(key, { value, expiresAt: Date.now() + ttlMs }),
  writeList: async (key) => void entries.set(key, { value: ['element'], expiresAt: Infinity }),
  delete: async (key) => void entries.delete(key),
  ttlMs: async (key) => (Number.isFinite(entries.get(key).expiresAt) ? entries.get(key).expiresAt - Date.now() : undefined),
};
const capabilities = (process.env.CAPABILITIES ?? 'exists,extendTtl,releasesData').split(',');
for (const { name, run } of clientContract(() => ({ client, store }), { capabilities })) it(name, run);
`;

let project: string;

beforeAll(async () => {
  project = await realpath(await mkdtemp(join(tmpdir(), 'client-contract-')));
  const tarballs = await packAll(join(project, 'tarballs'));
  await writeFile(join(project, 'package.json'), '{ "name": "project", "private": true, "type": "module" }');
  await run(project, 'npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', tarballs['core']!, 'vitest@3']);
  await writeFile(join(project, 'node.js'), createTests(`import { it } from 'node:test';`));
  await writeFile(join(project, 'client.test.js'), createTests(`import { it } from 'vitest';`));
}, 180_000);

afterAll(async () => {
  await rm(project, { recursive: true, force: true });
});

/** The command of each test runner, and a pattern for the number of passed tests in its summary. */
const RUNNERS: [name: string, command: string, args: string[], passed: RegExp][] = [
  ['node:test', process.execPath, ['--test', '--test-reporter=tap', 'node.js'], /^# pass (\d+)$/m],
  ['vitest', 'npx', ['vitest', 'run', '--no-color'], /Tests +(\d+) passed \(\d+\)/],
];

describe.each(RUNNERS)(
  'the client contract from the packed core package, run by %s',
  (_name, command, args, passed) => {
    it('passes for a conforming client', async () => {
      const output = await run(project, command, args);
      expect(Number(passed.exec(output)?.[1])).toBeGreaterThan(80);
    });

    it('fails for a client that lacks a declared method', async () => {
      await expect(
        run(project, command, args, { CAPABILITIES: 'exists,extendTtl,releasesData,describe' }),
      ).rejects.toThrow('has of the optional members exactly exists, extendTtl, releasesData, describe');
    });
  },
);
