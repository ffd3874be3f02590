import { prepareBrowserExecutable } from './browser';
import { prepareRedisServer } from './redis-server';
import { prepareTemporalServer } from './temporal';

/** Makes sure that a Redis can be started, and prints its path. Installs or compiles one if necessary. */
export async function prepareRedis(): Promise<void> {
  console.log(`Redis: ${await prepareRedisServer()}`);
}

/** Makes sure that a Temporal server can be started, and prints which one. Builds one if necessary. */
export async function prepareTemporal(): Promise<void> {
  console.log(`Temporal: ${await prepareTemporalServer()}`);
}

/** Makes sure that a browser can be started, and prints its path. Installs one if necessary. */
export async function prepareBrowser(): Promise<void> {
  console.log(`Browser: ${await prepareBrowserExecutable()}`);
}

async function main(): Promise<void> {
  await prepareRedis();
  await prepareTemporal();
  await prepareBrowser();
}

if (require.main === module) {
  main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
