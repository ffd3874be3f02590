import { homedir } from 'node:os';
import { join } from 'node:path';

/** The path of `name` in the user's cache, so that slow builds survive a clone of this repository. */
export function cachePath(name: string): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'temporal-redis-storage', name);
}
