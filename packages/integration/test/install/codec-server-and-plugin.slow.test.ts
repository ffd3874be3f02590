import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './run';
import { packAll } from './tarballs';

let folder: string;
let tarballs: Record<string, string>;

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'install-')));
  tarballs = await packAll(folder);
}, 120_000);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Creates a project with some packages, which npm installs. */
async function createProject(...packages: string[]): Promise<string> {
  const project = await mkdtemp(join(folder, 'project-'));
  await writeFile(join(project, 'package.json'), '{ "name": "project", "private": true }');
  const options = ['--no-audit', '--no-fund', '--prefer-offline'];
  await run(project, 'npm', ['install', ...options, ...packages, '@types/node@20']);
  return project;
}

/** Stores a payload and downloads it through the codec server. `prepare` declares `dataConverter`. */
function createProgram(prepare: string): string {
  return `import { createServer } from 'node:http';
import { ExternalStorage, type DataConverter, type Payload } from '@temporalio/common';
import { createPayloadHandler, toNodeListener } from '@temporal-redis-storage/codec-server';
${prepare}
async function main(): Promise<void> {
  const server = createServer(toNodeListener(createPayloadHandler({ dataConverter })));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const post = async (path: string, body: string): Promise<string> => {
    const response = await fetch('http://127.0.0.1:' + address.port + path, { method: 'POST', body });
    return response.text();
  };
  const body = '{"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"ImhpIg=="}]}';
  const encoded = await post('/encode', body);
  const downloaded = await post('/download', encoded);
  server.close();
  console.log(encoded.includes('externalPayloads') && downloaded === body ? 'done' : encoded + downloaded);
}
main().catch((error) => {
  console.error(error);
  process.exit(1);
});
`;
}

const WITH_A_DRIVER_OF_ONES_OWN = createProgram(`
const stored: Payload[] = [];
const driver = {
  name: 'own',
  type: 'own',
  store: async (_context: unknown, payloads: Payload[]) =>
    payloads.map((payload) => ({ claimData: { index: String(stored.push(payload) - 1) } })),
  retrieve: async (_context: unknown, claims: { claimData: Record<string, string> }[]) =>
    claims.map(({ claimData }) => stored[Number(claimData['index'])]!),
};
const dataConverter: DataConverter = { externalStorage: new ExternalStorage({ drivers: [driver], payloadSizeThreshold: 0 }) };
`);

const WITH_THE_PLUGIN = createProgram(`
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import { InMemoryStorageDriverClient } from '@temporal-redis-storage/core/testing';
import { RedisStoragePlugin } from '@temporal-redis-storage/plugin';
const driver = new RedisStorageDriver({ client: new InMemoryStorageDriverClient() });
const dataConverter: DataConverter = new RedisStoragePlugin({ driver, payloadSizeThreshold: 0 }).configureDataConverter();
`);

/** Compiles a program with a compiler configuration of users, and runs it. */
async function compileAndRun(project: string, name: string, program: string, options: object): Promise<string> {
  const source = join(project, name);
  await mkdir(source);
  await writeFile(join(source, 'main.ts'), program);
  await writeFile(join(source, 'package.json'), '{ "type": "commonjs" }');
  const compilerOptions = { target: 'es2022', types: ['node'], skipLibCheck: true, strict: true, ...options };
  await writeFile(join(source, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
  await run(source, process.execPath, [require.resolve('typescript/bin/tsc'), '--project', source]);
  return run(source, process.execPath, ['main.js']);
}

const COMPILERS: [string, object][] = [
  ['nodenext', { module: 'nodenext' }],
  ['commonjs-node10', { module: 'commonjs', moduleResolution: 'node10', ignoreDeprecations: '6.0' }],
  ['commonjs-bundler', { module: 'commonjs', moduleResolution: 'bundler' }],
];

describe('the codec server installed by npm, without a package of ours beside it', () => {
  let project: string;

  beforeAll(async () => {
    project = await createProject(tarballs['codec-server']!);
  }, 180_000);

  it.each(COMPILERS)('compiles and runs with a driver of ones own: %s', async (name, options) => {
    expect(await compileAndRun(project, name, WITH_A_DRIVER_OF_ONES_OWN, options)).toBe('done\n');
  });
});

describe('the codec server and the plugin installed by npm, with client and worker', () => {
  let project: string;

  beforeAll(async () => {
    const own = ['codec-server', 'plugin', 'core'].map((name) => tarballs[name]!);
    project = await createProject(...own, '@temporalio/client', '@temporalio/worker');
  }, 180_000);

  it.each(COMPILERS)('compile and run with the Redis driver: %s', async (name, options) => {
    expect(await compileAndRun(project, name, WITH_THE_PLUGIN, options)).toBe('done\n');
  });
});
