import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The root folder of the repository. */
export const ROOT = join(__dirname, '../../..');

export const PACKAGES = join(ROOT, 'packages');

/** Folder names of the published packages, which are all that aren't private. */
export const PUBLISHED = readdirSync(PACKAGES).filter((name) => !isPrivate(name));

function isPrivate(name: string): boolean {
  const manifest = JSON.parse(readFileSync(join(PACKAGES, name, 'package.json'), 'utf8')) as { private?: boolean };
  return manifest.private === true;
}
