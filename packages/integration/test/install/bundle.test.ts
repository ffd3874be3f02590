import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { build } from 'esbuild';
import { PACKAGES, PUBLISHED } from '../workspace';
import { ADAPTERS, createProgram, type Adapter } from './programs';
import { Servers } from './servers';

/** A folder that resolves the packages. */
const FOLDER = join(PACKAGES, 'integration');
const PACKAGE_CODE = new RegExp(`packages/(${PUBLISHED.join('|')})/lib/`);

let folder: string;
let servers: Servers;

beforeAll(async () => {
  await mkdir(join(FOLDER, 'lib'), { recursive: true });
  folder = await mkdtemp(join(FOLDER, 'lib/bundle-'));
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

async function bundleWorkflow(workflow: string): Promise<string> {
  const workflowsPath = join(folder, 'workflows.ts');
  await writeFile(workflowsPath, workflow);
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR', () => {}) });
  return code;
}

describe('a workflow bundle', () => {
  it('contains no code of these packages when the workflow imports only types', async () => {
    const code = await bundleWorkflow(WORKFLOW);
    expect(code).toContain('Hello, ');
    expect(code).not.toMatch(PACKAGE_CODE);
    expect(code).not.toMatch(/RedisStorageDriver/);
  });

  it('fails to build when the workflow imports the driver', async () => {
    const workflow = `export { RedisStorageDriver } from '@temporal-redis-storage/core';`;
    await expect(bundleWorkflow(workflow)).rejects.toThrow('Webpack finished with errors');
  });
});

describe('an application bundled by esbuild', () => {
  it.each(Object.keys(ADAPTERS))('stores and retrieves through %s', async (adapter) => {
    const entry = join(folder, `${adapter}.ts`);
    await writeFile(entry, createProgram(adapter as Adapter, 'import'));
    const outfile = join(folder, `${adapter}.js`);
    await build({ entryPoints: [entry], outfile, bundle: true, platform: 'node', logLevel: 'error' });
    expect(await servers.run(folder, outfile)).toBe('done\n');
  });
});
