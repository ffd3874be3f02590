import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PACKAGES } from '../workspace';
import { ADAPTERS } from './programs';

const run = promisify(execFile);

/** Loads a package in a fresh Node process, and returns the files that this loaded. */
async function findLoadedFiles(name: string): Promise<string[]> {
  const program = `require(${JSON.stringify(name)}); console.log(JSON.stringify(Object.keys(require.cache)));`;
  const { stdout } = await run(process.execPath, ['-e', program], { cwd: join(PACKAGES, 'integration') });
  return JSON.parse(stdout) as string[];
}

describe('an adapter', () => {
  it.each(Object.keys(ADAPTERS))('%s loads only its own code, and not its Redis library', async (adapter) => {
    const files = await findLoadedFiles(`@temporal-redis-storage/${adapter}`);
    const own = join(PACKAGES, adapter, 'lib');
    expect(files).toContain(join(own, 'index.js'));
    expect(files.filter((file) => !file.startsWith(own))).toEqual([]);
  });
});
