import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PNPM, run } from './run';

/** The packages that are published, by their folders. */
export const PUBLISHED = ['core', 'node-redis', 'ioredis', 'upstash'] as const;

export type Published = (typeof PUBLISHED)[number];

export const PACKAGES = join(__dirname, '../../..');

/** Packs every published package into a folder, as a release does. Answers the tarballs' paths. */
export async function packAll(folder: string): Promise<Record<Published, string>> {
  const [command, args] = PNPM;
  const packed = PUBLISHED.map(async (name): Promise<[Published, string]> => {
    const destination = join(folder, name);
    await run(join(PACKAGES, name), command, [...args, 'pack', '--pack-destination', destination]);
    const [tarball] = await readdir(destination);
    return [name, join(destination, tarball!)];
  });
  return Object.fromEntries(await Promise.all(packed)) as Record<Published, string>;
}
