import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { resolveCachePath } from './cache';
import { findOnPath, isExecutable } from './executable';
import { withProgress } from './progress';

const run = promisify(execFile);

const SOURCE_FOLDER = join(__dirname, '../../temporal-server');
const SOURCES = ['main.go', 'go.mod', 'go.sum'];

/** The path of our Temporal server (temporal-server/main.go), if it was built from these sources with this Go. */
export async function findTemporalServer(): Promise<string | undefined> {
  if (findOnPath('go') === undefined) return undefined;
  // If Go is too old for the sources, the build reports it.
  const path = await resolveBuiltPath().catch(() => undefined);
  return path !== undefined && isExecutable(path) ? path : undefined;
}

/** Builds our Temporal server into the user's cache, and resolves to its path. Concurrent builds are safe. */
export async function buildTemporalServer(): Promise<string> {
  if (findOnPath('go') === undefined) throw new Error('go is not on the PATH');
  const path = await resolveBuiltPath();
  const unfinished = `${path}.${process.pid}`;
  await mkdir(dirname(path), { recursive: true });
  try {
    await build(unfinished);
    await rename(unfinished, path);
  } finally {
    await rm(unfinished, { force: true });
  }
  return path;
}

async function resolveBuiltPath(): Promise<string> {
  const { stdout: platform } = await run('go', ['env', 'GOVERSION', 'GOOS', 'GOARCH'], { cwd: SOURCE_FOLDER });
  const hash = createHash('sha256').update(platform);
  for (const source of SOURCES) hash.update(await readFile(join(SOURCE_FOLDER, source)));
  return resolveCachePath(`temporal-server-${hash.digest('hex').slice(0, 16)}`);
}

async function build(output: string): Promise<void> {
  // Without symbol tables the file is a third smaller. Without VCS data, go also builds a clone that git does not trust.
  const args = ['build', '-v', '-buildvcs=false', '-ldflags=-s -w', '-o', output, '.'];
  const go = spawn('go', args, { cwd: SOURCE_FOLDER, stdio: ['ignore', 'inherit', 'pipe'] });
  let downloaded = 0;
  let compiled = 0;
  let lastLines: string[] = [];
  // With -v, go prints a line for every module that it downloads and every package that it compiles.
  createInterface({ input: go.stderr }).on('line', (line) => {
    if (line.startsWith('go: downloading ')) downloaded++;
    else compiled++;
    lastLines = [...lastLines, line].slice(-10);
  });
  await withProgress(
    'Building a Temporal server with go (once, a few minutes)',
    once(go, 'close'),
    () => `${downloaded} modules downloaded, ${compiled} packages compiled`,
  );
  if (go.exitCode !== 0) throw new Error(`go build failed:\n${lastLines.join('\n')}`);
}
