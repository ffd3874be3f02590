import { prepareRedisServer } from './redis-server';
import { prepareTemporal } from './temporal';

/** Makes sure that a Redis and a Temporal server can be started, and says which. Installs or builds what is missing. */
export async function prepare(): Promise<void> {
  console.log(`Redis: ${await prepareRedisServer()}`);
  console.log(`Temporal: ${await prepareTemporal()}`);
}

if (require.main === module) {
  prepare().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
