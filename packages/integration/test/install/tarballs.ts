import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PACKAGES, PUBLISHED } from '../workspace';
import { PNPM, run } from './run';

/** Packs every published package into a folder, as a release does. Resolves to the tarball paths by package. */
export async function packAll(folder: string): Promise<Record<string, string>> {
  const [command, args] = PNPM;
  const packed = PUBLISHED.map(async (name): Promise<[string, string]> => {
    const destination = join(folder, name);
    await run(join(PACKAGES, name), command, [...args, 'pack', '--pack-destination', destination]);
    const [tarball] = await readdir(destination);
    return [name, join(destination, tarball!)];
  });
  return Object.fromEntries(await Promise.all(packed));
}
