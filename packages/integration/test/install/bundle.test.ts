import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { build } from 'esbuild';
import { PACKAGES, PUBLISHED } from '../workspace';
import { ADAPTERS, createProgram, type Adapter } from './programs';
import { Servers } from './servers';

/** A folder from which the packages are found. */
const HERE = join(PACKAGES, 'integration');
const OURS = new RegExp(`packages/(${PUBLISHED.join('|')})/lib/`);

let folder: string;
let servers: Servers;

beforeAll(async () => {
  await mkdir(join(HERE, 'lib'), { recursive: true });
  folder = await mkdtemp(join(HERE, 'lib/bundle-'));
  servers = await Servers.start();
});

afterAll(async () => {
  await servers?.stop();
  await rm(folder, { recursive: true, force: true });
});

const WORKFLOW = `
  import type { RedisStorageDriver, RedisStorageDriverOptions } from '@temporal-redis-storage/core';
  import type { NodeRedisStorageDriverClient } from '@temporal-redis-storage/node-redis';
  import type { IoredisStorageDriverClient } from '@temporal-redis-storage/ioredis';
  import type { UpstashStorageDriverClient } from '@temporal-redis-storage/upstash';

  export type Clients = NodeRedisStorageDriverClient | IoredisStorageDriverClient | UpstashStorageDriverClient;
  export type Driver = RedisStorageDriver;

  export async function greet({ keyPrefix }: Pick<RedisStorageDriverOptions, 'keyPrefix'>): Promise<string> {
    return 'Hello, ' + keyPrefix;
  }
`;

async function bundleProgram(workflow: string): Promise<string> {
  const workflowsPath = join(folder, 'workflows.ts');
  await writeFile(workflowsPath, workflow);
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR', () => {}) });
  return code;
}

describe('a bundle of workflows', () => {
  it('holds nothing of these packages for types alone', async () => {
    const code = await bundleProgram(WORKFLOW);
    expect(code).toContain('Hello, ');
    expect(code).not.toMatch(OURS);
    expect(code).not.toMatch(/RedisStorageDriver/);
  });

  it('would show a driver that got in: the sandbox has no such modules', async () => {
    const workflow = `export { RedisStorageDriver } from '@temporal-redis-storage/core';`;
    await expect(bundleProgram(workflow)).rejects.toThrow('Webpack finished with errors');
  });
});

describe('a bundle of a client, by esbuild', () => {
  it.each(Object.keys(ADAPTERS))('stores and reads through %s', async (adapter) => {
    const entry = join(folder, `${adapter}.ts`);
    await writeFile(entry, createProgram(adapter as Adapter, 'import'));
    const outfile = join(folder, `${adapter}.js`);
    await build({ entryPoints: [entry], outfile, bundle: true, platform: 'node', logLevel: 'error' });
    expect(await servers.run(folder, outfile)).toBe('done\n');
  });
});
