import { execFile } from 'node:child_process';
import { mkdir, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { RedisBinary } from 'redis-memory-server';
import { cachePath } from './cache';
import { executableFromEnvironment, findOnPath, isExecutable } from './executable';
import { tryInOrder } from './try-in-order';
import { withProgress } from './progress';

const run = promisify(execFile);

// The newest release, as download.redis.io calls it.
const VERSION = 'stable';
const ADVICE = 'Install Redis, or set REDIS_SERVER_PATH to a redis-server.';

/** The redis-server at REDIS_SERVER_PATH, else on the PATH, else the one that was prepared. Throws if there is none. */
export function requireRedisServer(): string {
  const path = findRedisServer();
  if (path === undefined) {
    throw new Error(
      `Found no redis-server. ${ADVICE} \`node packages/testing/lib/servers/prepare.js\` tries to get one.`,
    );
  }
  return path;
}

/** Makes sure that there is a redis-server, installing or compiling one if need be. Resolves to its path. */
export async function prepareRedisServer(): Promise<string> {
  return (
    findRedisServer() ??
    tryInOrder(
      [
        ['apt-get', install],
        ['download and compile', compile],
      ],
      'Found no redis-server, and could not get one.',
      ADVICE,
    )
  );
}

function findRedisServer(): string | undefined {
  return (
    executableFromEnvironment('REDIS_SERVER_PATH') ??
    findOnPath('redis-server') ??
    [installedPath(), compiledPath()].find(isExecutable)
  );
}

const installedPath = (): string => cachePath('redis-server');
const compileFolder = (): string => cachePath('redis');
const compiledPath = (): string => join(compileFolder(), VERSION, 'redis-server');

/**
 * Installs redis-tools, whose redis-check-rdb is the server's own executable under another name. The package
 * redis-server adds a link to it and a service, which would run from now on and after every boot.
 */
async function install(): Promise<string> {
  if (process.getuid?.() !== 0 || findOnPath('apt-get') === undefined) throw new Error('needs Debian, and to be root');
  await withProgress('Installing Redis (redis-tools) with apt-get', installPackage('redis-tools'));
  const executable = findOnPath('redis-check-rdb');
  if (executable === undefined) throw new Error('redis-tools came without redis-check-rdb');
  await mkdir(dirname(installedPath()), { recursive: true });
  await rm(installedPath(), { force: true });
  await symlink(executable, installedPath());
  return installedPath();
}

async function installPackage(name: string): Promise<void> {
  // An unreachable other source is no reason to give up; if it matters, the installation fails and says so.
  await run('apt-get', ['update']).catch(() => {});
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=60', name], { env });
}

async function compile(): Promise<string> {
  // Without this, redis-memory-server doesn't verify the server's certificate when it downloads.
  process.env.npm_config_strict_ssl ??= 'true';
  return withProgress(
    'Downloading and compiling Redis (once, a few minutes)',
    RedisBinary.getPath({ downloadDir: compileFolder(), version: VERSION }),
  );
}
