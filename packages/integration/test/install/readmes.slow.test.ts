import { randomUUID } from 'node:crypto';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { transform } from 'esbuild';
import { createClient } from 'redis';
import { PACKAGE_MANAGERS, runLine } from './package-managers';
import { findCommands, findInstallLine, findPrograms, READMES } from './readmes';
import { startRegistry, type Registry } from './registry';
import { run } from './run';
import { Servers } from './servers';
import { packAll } from './tarballs';

let folder: string;
let registry: Registry;
let servers: Servers;

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'readmes-')));
  registry = await startRegistry(await packAll(join(folder, 'tarballs')));
  servers = await Servers.start();
}, 120_000);

afterAll(async () => {
  await servers?.stop();
  await registry?.stop();
  await rm(folder, { recursive: true, force: true });
});

type ManagerName = keyof typeof PACKAGE_MANAGERS;

/** A program that uses the first program of a README. */
interface Check {
  code: string;
  /** How many keys it stores in Redis. */
  keys: number;
}

const RUN_A_WORKFLOW: Check = {
  code: `
import { fileURLToPath } from 'node:url';
import { client, createWorker } from './program.mjs';

const worker = await createWorker(fileURLToPath(new URL('workflows.mjs', import.meta.url)));
const text = 'x'.repeat(400_000);
const options = { taskQueue: 'orders', workflowId: process.env.WORKFLOW_ID, args: [text] };
const result = await worker.runUntil(client.workflow.execute('echo', options));
console.log(result === text ? 'done' : 'another result');
process.exit();`,
  // The argument's key has no run ID, and the result's has one.
  keys: 2,
};

const USE_THE_DRIVER: Check = {
  code: `
import { dataConverter } from './program.mjs';

const [driver] = dataConverter.externalStorage.drivers;
const target = { kind: 'workflow', type: 'test', id: process.env.WORKFLOW_ID };
const data = new Uint8Array(300_000).fill(7);
const [back] = await driver.retrieve({}, await driver.store({ target }, [{ data }]));
console.log(Buffer.compare(back.data, data) === 0 ? 'done' : 'another payload');
process.exit();`,
  keys: 1,
};

const USE_THE_CODEC_SERVER: Check = {
  code: `
import { ExternalStorage } from '@temporalio/common';
import { startCodecServer } from './program.mjs';

const stored = [];
const driver = {
  name: 'own',
  type: 'own',
  store: async (_context, payloads) =>
    payloads.map((payload) => ({ claimData: { index: String(stored.push(payload) - 1) } })),
  retrieve: async (_context, claims) => claims.map(({ claimData }) => stored[claimData.index]),
};
const server = startCodecServer({ externalStorage: new ExternalStorage({ drivers: [driver], payloadSizeThreshold: 0 }) });
await new Promise((resolve) => server.once('listening', resolve));
const post = async (path, body) => {
  const response = await fetch('http://127.0.0.1:' + server.address().port + path, { method: 'POST', body });
  return response.text();
};
const body = '{"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"ImhpIg=="}]}';
const back = await post('/download', await post('/encode', body));
console.log(back === body && stored.length === 1 ? 'done' : back);
process.exit();`,
  keys: 0,
};

const CHECKS: Record<string, Check> = {
  'README.md': RUN_A_WORKFLOW,
  'packages/core/README.md': USE_THE_DRIVER,
  'packages/node-redis/README.md': USE_THE_DRIVER,
  'packages/ioredis/README.md': USE_THE_DRIVER,
  'packages/upstash/README.md': USE_THE_DRIVER,
  'packages/plugin/README.md': RUN_A_WORKFLOW,
  'packages/codec-server/README.md': USE_THE_CODEC_SERVER,
};

/** Compiles the first program of a README, which connects to the servers of this test in place of those on the usual ports. */
async function compileProgram(path: string): Promise<string> {
  const { address, namespace } = servers.temporal;
  const code = findPrograms(path)[0]!
    .code.replace('redis://localhost:6379', servers.redis.url)
    .replaceAll('Connection.connect()', `Connection.connect({ address: '${address}' })`)
    .replaceAll(/(dataConverter|plugins: \[plugin\]) \}\)/g, `$1, namespace: '${namespace}' })`)
    .replace('.listen(8081', '.listen(0');
  // These programs end where the data converter is built, and may export nothing.
  const exported = /^export /m.test(code) ? code : `${code}export { dataConverter };`;
  return (await transform(exported, { loader: 'ts', format: 'esm' })).code;
}

/** Runs a README's check in a project, and returns its output and the number of keys that it stored in Redis. */
async function runProgram(
  project: string,
  path: string,
  [command, ...args]: [string, ...string[]],
): Promise<{ output: string; keys: number }> {
  const workflowId = randomUUID();
  await writeFile(join(project, 'program.mjs'), await compileProgram(path));
  await writeFile(join(project, 'workflows.mjs'), 'export async function echo(text) {\n  return text;\n}\n');
  await writeFile(join(project, 'check.mjs'), CHECKS[path]!.code);
  const output = await run(project, command, [...args, 'check.mjs'], {
    WORKFLOW_ID: workflowId,
    UPSTASH_REDIS_REST_URL: servers.upstash.url,
    UPSTASH_REDIS_REST_TOKEN: servers.upstash.token,
  });
  return { output, keys: await countKeys(workflowId) };
}

async function countKeys(workflowId: string): Promise<number> {
  const client = await createClient({ url: servers.redis.url }).connect();
  const keys = await client.keys(`temporalio:payloads:*:wi:${workflowId}:*`);
  client.destroy();
  return keys.length;
}

/** READMEs with a program, by their install line. */
const BY_LINE: Record<string, string[]> = {};
for (const path of Object.keys(CHECKS)) (BY_LINE[findInstallLine(path)] ??= []).push(path);

/** npm, and those with which a package finds only what its own manifest names. */
const STRICT: ManagerName[] = ['npm', 'pnpm', "Yarn with Plug'n'Play"];

const INSTALLS = Object.entries(BY_LINE).flatMap(([line, paths]) => {
  const names = paths.includes('README.md') ? (Object.keys(PACKAGE_MANAGERS) as ManagerName[]) : STRICT;
  return names.map((name) => ({ name, line, paths, title: paths.join(', ') }));
});

it('every README that names an install line is tested', () => {
  expect([...Object.keys(CHECKS), 'packages/cli/README.md'].toSorted()).toEqual(READMES.toSorted());
});

describe.each(INSTALLS)('the line of $title, installed by $name', ({ name, line, paths }) => {
  const manager = PACKAGE_MANAGERS[name];
  let project: string;

  beforeAll(async () => {
    project = join(folder, randomUUID());
    await manager.createProject(project, registry.url);
    await runLine(project, line, manager);
  }, 300_000);

  it.each(paths)('runs the first program of %s', async (path) => {
    const { output, keys } = await runProgram(project, path, manager.node);

    expect(output).toBe('done\n');
    expect(keys).toBe(CHECKS[path]!.keys);
  });
});

describe.each(['npm', 'pnpm', "Yarn with Plug'n'Play", 'Bun, hoisted'] as const)(
  'the command line run by %s',
  (name) => {
    const manager = PACKAGE_MANAGERS[name];

    it('prints what Redis holds', async () => {
      const project = join(folder, randomUUID());
      await manager.createProject(project, registry.url);
      const line = findCommands('packages/cli/README.md').find((command) => command.endsWith(' usage'))!;
      // npx and bunx take a package that they have run before from their cache, by name and version.
      const caches = { npm_config_cache: join(folder, 'npm-cache'), BUN_INSTALL_CACHE_DIR: join(folder, 'bun-cache') };
      const env = { ...caches, REDIS_URL: servers.redis.url };

      expect(await runLine(project, line, manager, env)).toMatch(/\d+ keys, .* without a TTL/);
    });
  },
);
