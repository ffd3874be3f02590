import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ADAPTERS, createProgram, removeTypes, type Adapter } from './programs';
import { PNPM, run } from './run';
import { Servers } from './servers';
import { packAll } from './tarballs';

let folder: string;
let tarballs: Record<string, string>;
let servers: Servers;

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'install-')));
  tarballs = await packAll(folder);
  servers = await Servers.start();
}, 120_000);

afterAll(async () => {
  await servers?.stop();
  await rm(folder, { recursive: true, force: true });
});

const TYPES = ['@types/node@20'];

/**
 * Ways to install the packages. Each creates a project with core, one adapter and its library, and returns its folder.
 */
const INSTALLS: Record<string, (adapter: Adapter) => Promise<string>> = {
  async 'npm, everything together'(adapter) {
    const project = await createEmptyProject();
    const ownPackages = [tarballs['core']!, tarballs[adapter]!];
    await run(project, 'npm', [
      'install',
      ...QUIET,
      ...ownPackages,
      ADAPTERS[adapter].library,
      '@temporalio/client',
      ...TYPES,
    ]);
    return project;
  },
  async 'npm, the SDK first'(adapter) {
    const project = await createEmptyProject();
    await run(project, 'npm', ['install', ...QUIET, '@temporalio/client', '@temporalio/common', ...TYPES]);
    await run(project, 'npm', ['install', ...QUIET, tarballs['core']!, tarballs[adapter]!, ADAPTERS[adapter].library]);
    return project;
  },
  async pnpm(adapter) {
    const project = await createEmptyProject();
    // Without the override, the adapter's dependency on core would be fetched from the registry.
    await writeFile(
      join(project, 'pnpm-workspace.yaml'),
      `overrides:\n  '@temporal-redis-storage/core': 'file:${tarballs['core']}'\nallowBuilds:\n  protobufjs: false\n  '@swc/core': false\n`,
    );
    const [command, args] = PNPM;
    const sdk = ['@temporalio/client', '@temporalio/common'];
    const packages = [tarballs['core']!, tarballs[adapter]!, ADAPTERS[adapter].library, ...sdk, ...TYPES];
    await run(project, command, [...args, 'add', ...packages]);
    return project;
  },
};

const QUIET = ['--no-audit', '--no-fund', '--prefer-offline'];

async function createEmptyProject(): Promise<string> {
  const project = join(folder, randomUUID());
  await mkdir(project);
  await writeFile(join(project, 'package.json'), '{ "name": "project", "private": true }');
  return project;
}

/** Compiler options of users, and the source files with their module formats. */
const COMPILERS: [name: string, options: Record<string, unknown>, files: Record<string, 'module' | 'commonjs'>][] = [
  ['nodenext', { module: 'nodenext' }, { 'main.mts': 'module', 'main.cts': 'commonjs' }],
  ['node16', { module: 'node16' }, { 'main.mts': 'module', 'main.cts': 'commonjs' }],
  [
    'commonjs-node10',
    { module: 'commonjs', moduleResolution: 'node10', ignoreDeprecations: '6.0' },
    { 'main.ts': 'commonjs' },
  ],
  ['commonjs-bundler', { module: 'commonjs', moduleResolution: 'bundler' }, { 'main.ts': 'commonjs' }],
  ['esnext-bundler', { module: 'esnext', moduleResolution: 'bundler' }, { 'main.ts': 'module' }],
];

const INSTALLED = Object.keys(ADAPTERS).flatMap((adapter) =>
  Object.keys(INSTALLS).map((install): [Adapter, string] => [adapter as Adapter, install]),
);

describe.each(INSTALLED)('%s installed by %s', (adapter, install) => {
  let project: string;

  beforeAll(async () => {
    project = await INSTALLS[install]!(adapter);
  }, 180_000);

  it.each([
    ['main.cjs', 'require'],
    ['main.mjs', 'import'],
  ] as const)('runs as JavaScript: %s', async (file, form) => {
    await writeFile(join(project, file), removeTypes(createProgram(adapter, form)));
    expect(await servers.run(project, file)).toBe('done\n');
  });

  it.each(COMPILERS)('compiles and runs as TypeScript: %s', async (name, options, files) => {
    const source = join(project, name);
    await mkdir(source);
    for (const [file, type] of Object.entries(files)) {
      await writeFile(join(source, file), createProgram(adapter, 'import'));
      await writeFile(join(source, 'package.json'), JSON.stringify({ type }));
    }
    for (const strict of [false, true]) {
      const compilerOptions = { target: 'es2022', types: ['node'], skipLibCheck: true, strict, ...options };
      await writeFile(join(source, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
      await run(source, process.execPath, [require.resolve('typescript/bin/tsc'), '--project', source]);
    }
    for (const file of Object.keys(files)) {
      expect(await servers.run(project, join(source, file.replace(/ts$/, 'js')))).toBe('done\n');
    }
  });

  it('does not install other Redis libraries', async () => {
    const installed = await listPackages(project);
    const others = Object.entries(ADAPTERS).filter(([name]) => name !== adapter);
    expect(installed).toContain(ADAPTERS[adapter].library);
    for (const [, { library }] of others) expect(installed).not.toContain(library);
  });
});

/** Lists all packages of a project, including transitive dependencies. */
async function listPackages(project: string): Promise<string[]> {
  const paths = await readdir(join(project, 'node_modules'), { recursive: true });
  const manifests = paths.filter((path) => /(^|\/)(@[^/]+\/)?[^/]+\/package\.json$/.test(path));
  return manifests.map((path) => path.replace(/\/package\.json$/, '').replace(/^.*node_modules\//, ''));
}
