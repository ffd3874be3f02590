import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { PACKAGES, PUBLISHED } from '../workspace';
import { run } from './run';
import { packAll } from './tarballs';

interface Manifest {
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

let folder: string;
let tarballs: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tarballs-'));
  tarballs = await packAll(folder);
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe.each(PUBLISHED)('the tarball of %s', (name) => {
  let content: string;
  let files: string[];
  let manifest: Manifest;

  beforeAll(async () => {
    const unpacked = join(folder, `${name}-unpacked`);
    await mkdir(unpacked);
    await run(unpacked, 'tar', ['-xzf', tarballs[name]!]);
    content = join(unpacked, 'package');
    files = await listFiles(content);
    manifest = JSON.parse(await readFile(join(content, 'package.json'), 'utf8')) as Manifest;
  });

  it('contains exactly the sources, the compiled code and types with maps, and the documents', async () => {
    const source = join(PACKAGES, name);
    const compiled = (await listFiles(join(source, 'src'))).flatMap((path) => {
      const base = `lib/${path.replace(/\.ts$/, '')}`;
      return [`src/${path}`, `${base}.js`, `${base}.js.map`, `${base}.d.ts`, `${base}.d.ts.map`];
    });
    // The first release creates the changelog.
    const changelog = existsSync(join(source, 'CHANGELOG.md')) ? ['CHANGELOG.md'] : [];

    expect(files).toEqual([...compiled, ...changelog, 'LICENSE', 'README.md', 'package.json'].toSorted());
  });

  it('has source maps that point to sources in the tarball', async () => {
    for (const path of files.filter((file) => file.endsWith('.map'))) {
      const { sources, sourceRoot } = JSON.parse(await readFile(join(content, path), 'utf8')) as {
        sources: string[];
        sourceRoot?: string;
      };
      const paths = sources.map((to) => relative(content, resolve(content, path, '..', sourceRoot ?? '', to)));
      expect(files).toEqual(expect.arrayContaining(paths));
      const code = await readFile(join(content, path.slice(0, -'.map'.length)), 'utf8');
      expect(code).toMatch(/\/\/# sourceMappingURL=\S+\.map\s*$/);
    }
  });

  it('declares every package that it imports, and imports every dependency', async () => {
    const imported = new Set<string>();
    for (const path of files.filter((file) => /^lib\/.*\.(js|d\.ts)$/.test(file))) {
      const code = (await readFile(join(content, path), 'utf8')).replace(/^\s*(\/?\*|\/\/).*$/gm, '');
      for (const [, , module] of code.matchAll(/(?:\bfrom |require\(|import\()(['"])([^'".][^'"]*)\1/g)) {
        if (!builtinModules.includes(module!.replace(/^node:/, ''))) imported.add(getPackageName(module!));
      }
    }
    const { dependencies = {}, peerDependencies = {} } = manifest;

    expect(Object.keys({ ...dependencies, ...peerDependencies })).toEqual(expect.arrayContaining([...imported]));
    // Core's peer, which a package with its own dependencies has to bring along.
    const needed = Object.keys(dependencies).filter((dependency) => dependency !== 'protobufjs');
    expect([...imported]).toEqual(expect.arrayContaining(needed));
    for (const range of Object.values(dependencies)) expect(range).toMatch(/^\^\d/);
  });

  it('passes publint', async () => {
    expect(await run(join(PACKAGES, 'integration'), 'npx', ['publint', 'run', tarballs[name]!, '--strict'])).toContain(
      'All good!',
    );
  });

  it('passes are-the-types-wrong for every module resolution', async () => {
    const report = await run(join(PACKAGES, 'integration'), 'npx', [
      'attw',
      tarballs[name]!,
      '--format',
      'ascii',
      '--no-emoji',
    ]);
    expect(report).toContain('No problems found');
  });
});

async function listFiles(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(path, join(entry.parentPath, entry.name)))
    .toSorted();
}

function getPackageName(module: string): string {
  return module
    .split('/')
    .slice(0, module.startsWith('@') ? 2 : 1)
    .join('/');
}
