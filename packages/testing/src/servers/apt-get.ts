import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findOnPath } from './executable';
import { withProgress } from './progress';

const run = promisify(execFile);

/** Installs a package of Debian or a distribution made from it, showing `title` meanwhile. */
export async function installPackage(name: string, title: string): Promise<void> {
  if (process.getuid?.() !== 0 || findOnPath('apt-get') === undefined) throw new Error('needs Debian, and to be root');
  await withProgress(title, updateAndInstall(name));
}

async function updateAndInstall(name: string): Promise<void> {
  // Some other source that can't be reached is no reason to give up; if it matters, the installation reports it.
  await run('apt-get', ['update']).catch(() => {});
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=60', name], { env });
}
