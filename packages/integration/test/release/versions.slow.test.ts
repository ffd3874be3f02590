import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../install/run';
import { PUBLISHED, ROOT } from '../workspace';

let workspace: string;

/** A temporary copy of the files that `changeset version` reads and writes. */
beforeAll(async () => {
  workspace = await mkdtemp(join(tmpdir(), 'release-'));
  for (const path of ['package.json', 'pnpm-workspace.yaml', 'pnpm-lock.yaml', '.changeset']) {
    await cp(join(ROOT, path), join(workspace, path), { recursive: true });
  }
  for (const name of await readdir(join(ROOT, 'packages'))) {
    for (const path of ['package.json', 'CHANGELOG.md'].map((file) => join('packages', name, file))) {
      if (existsSync(join(ROOT, path))) await cp(join(ROOT, path), join(workspace, path));
    }
  }
  await symlink(join(ROOT, 'node_modules'), join(workspace, 'node_modules'));
  // Applies the pending changesets, such as those of the first release.
  await runRelease({});
});

afterAll(async () => {
  await rm(workspace, { recursive: true, force: true });
});

interface Manifest {
  version: string;
  dependencies?: Record<string, string>;
}

async function readManifest(name: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(workspace, 'packages', name, 'package.json'), 'utf8')) as Manifest;
}

async function readVersions(): Promise<Record<string, string>> {
  const all = PUBLISHED.map(async (name) => [name, (await readManifest(name)).version] as const);
  return Object.fromEntries(await Promise.all(all));
}

/** Releases these changes as a maintainer does, and returns the new versions. */
async function runRelease(changes: Record<string, 'patch' | 'minor'>): Promise<Record<string, string>> {
  const lines = Object.entries(changes).map(([name, bump]) => `'@temporal-redis-storage/${name}': ${bump}\n`);
  if (lines.length > 0) {
    await writeFile(join(workspace, '.changeset', 'change.md'), `---\n${lines.join('')}---\n\nA change.\n`);
  }
  await run(workspace, process.execPath, [require.resolve('@changesets/cli/bin.js'), 'version']);
  return readVersions();
}

/** The packages that depend on core. */
const DEPENDENTS = PUBLISHED.filter((name) => name !== 'core');

const bumpVersion = (version: string | undefined, bump: 'patch' | 'minor'): string => {
  const [major, minor, patch] = (version ?? '').split('.').map(Number);
  return bump === 'patch' ? `${major}.${minor}.${patch! + 1}` : `${major}.${minor! + 1}.0`;
};

describe('a release', () => {
  it('gives each package a version and a changelog', async () => {
    for (const name of PUBLISHED) {
      expect((await readManifest(name)).version).not.toBe('0.0.0');
      const changelog = await readFile(join(workspace, 'packages', name, 'CHANGELOG.md'), 'utf8');
      expect(changelog).toContain((await readManifest(name)).version);
    }
  });

  it('with a patch of one adapter leaves all other packages unchanged', async () => {
    const before = await readVersions();
    const after = await runRelease({ ioredis: 'patch' });
    expect(after).toEqual({ ...before, ioredis: bumpVersion(before['ioredis'], 'patch') });
  });

  it('with a patch of core bumps adapters by at most a patch', async () => {
    const before = await readVersions();
    const after = await runRelease({ core: 'patch' });
    expect(after['core']).toBe(bumpVersion(before['core'], 'patch'));
    for (const name of DEPENDENTS) expect([before[name], bumpVersion(before[name], 'patch')]).toContain(after[name]);
  });

  it('with a minor of core bumps adapters by at most a patch', async () => {
    const before = await readVersions();
    const after = await runRelease({ core: 'minor' });
    expect(after['core']).toBe(bumpVersion(before['core'], 'minor'));
    for (const name of DEPENDENTS) expect([before[name], bumpVersion(before[name], 'patch')]).toContain(after[name]);
  });
});
