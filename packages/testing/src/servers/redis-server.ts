import { mkdir, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RedisBinary } from 'redis-memory-server';
import { installPackage } from './apt-get';
import { resolveCachePath } from './cache';
import { readExecutablePath, findOnPath, isExecutable } from './executable';
import { tryInOrder } from './try-in-order';
import { withProgress } from './progress';

// download.redis.io has the newest release under this name.
const VERSION = 'stable';
const ADVICE = 'Install Redis, or set REDIS_SERVER_PATH to a redis-server.';

/** The redis-server at REDIS_SERVER_PATH, else on the PATH, else the prepared one. Throws if it finds no redis-server. */
export function requireRedisServer(): string {
  const path = findRedisServer();
  if (path === undefined) {
    throw new Error(
      `Found no redis-server. ${ADVICE} \`node packages/testing/lib/servers/prepare.js\` tries to get one.`,
    );
  }
  return path;
}

/** Makes sure that there is a redis-server: installs or compiles one if necessary. Resolves to its path. */
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
    readExecutablePath('REDIS_SERVER_PATH') ??
    findOnPath('redis-server') ??
    [resolveInstalledPath(), resolveCompiledPath()].find(isExecutable)
  );
}

const resolveInstalledPath = (): string => resolveCachePath('redis-server');
const resolveCompileFolder = (): string => resolveCachePath('redis');
const resolveCompiledPath = (): string => join(resolveCompileFolder(), VERSION, 'redis-server');

/**
 * Installs redis-tools, whose redis-check-rdb is the server's own executable under another name. The package
 * redis-server only adds a link to it and a service, which would keep running and start at every boot.
 */
async function install(): Promise<string> {
  await installPackage('redis-tools', 'Installing Redis (redis-tools) with apt-get');
  const executable = findOnPath('redis-check-rdb');
  if (executable === undefined) throw new Error('redis-tools does not contain redis-check-rdb');
  await mkdir(dirname(resolveInstalledPath()), { recursive: true });
  await rm(resolveInstalledPath(), { force: true });
  await symlink(executable, resolveInstalledPath());
  return resolveInstalledPath();
}

async function compile(): Promise<string> {
  // Without this, redis-memory-server doesn't verify the server's certificate when it downloads.
  process.env.npm_config_strict_ssl ??= 'true';
  return withProgress(
    'Downloading and compiling Redis (once, a few minutes)',
    RedisBinary.getPath({ downloadDir: resolveCompileFolder(), version: VERSION }),
  );
}
