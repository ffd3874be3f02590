import { homedir } from 'node:os';
import { join } from 'node:path';

/** The path of `name` in the user's cache, so that every clone of this repository can use a slow build. */
export function resolveCachePath(name: string): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'temporal-redis-storage', name);
}
