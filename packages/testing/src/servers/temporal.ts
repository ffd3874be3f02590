import { join } from 'node:path';
import { readExecutablePath } from './executable';
import { tryInOrder } from './try-in-order';
import type { Running } from './start-together';
import { startProcess } from './process';
import { withProgress } from './progress';
import { buildTemporalServer, findTemporalServer } from './temporal-server';

/** A running Temporal server. */
export interface RunningTemporal extends Running {
  address: string;
  namespace: string;
}

const CLI_SCRIPT = join(__dirname, '../../temporal-server/cli.js');
const ADVICE =
  'Set TEMPORAL_ADDRESS (and TEMPORAL_NAMESPACE) to a running server, ' +
  "or TEMPORAL_CLI_PATH to Temporal's CLI, or install Go.";

/**
 * Starts a Temporal server that keeps its data in memory and ends with this process. Uses the first of: the server at
 * TEMPORAL_ADDRESS, which `stop` does not stop; the CLI at TEMPORAL_CLI_PATH; the server that
 * {@link prepareTemporalServer} built; the CLI that the SDK downloads.
 */
export async function startTemporal(): Promise<RunningTemporal> {
  const address = process.env.TEMPORAL_ADDRESS;
  if (address) return { address, namespace: process.env.TEMPORAL_NAMESPACE ?? 'default', stop: async () => {} };

  const cli = readExecutablePath('TEMPORAL_CLI_PATH');
  if (cli !== undefined) return startServer(process.execPath, CLI_SCRIPT, cli);

  const built = await findTemporalServer();
  if (built !== undefined) return startServer(built);

  return tryInOrder(
    [["the SDK's download of the CLI", startDownloadedCli]],
    'Found no Temporal server.',
    `${ADVICE} With Go, \`node packages/testing/lib/servers/prepare.js\` builds one.`,
  );
}

/** Makes sure that {@link startTemporal} can start a server: builds one if necessary. Resolves to its address, path or name. */
export async function prepareTemporalServer(): Promise<string> {
  return (
    process.env.TEMPORAL_ADDRESS ||
    readExecutablePath('TEMPORAL_CLI_PATH') ||
    (await findTemporalServer()) ||
    tryInOrder(
      [
        ["the SDK's download of the CLI", tryDownloadedCli],
        ['go build', buildTemporalServer],
      ],
      'Found no Temporal server, and could not get one.',
      ADVICE,
    )
  );
}

async function startDownloadedCli(): Promise<RunningTemporal> {
  return startServer(process.execPath, CLI_SCRIPT);
}

async function tryDownloadedCli(): Promise<string> {
  const server = await withProgress("Trying Temporal's CLI, which the SDK downloads", startDownloadedCli());
  await server.stop();
  return "Temporal's CLI";
}

/** Starts a program that prints its address and namespace as a line of JSON, and ends when its standard input closes. */
async function startServer(command: string, ...args: string[]): Promise<RunningTemporal> {
  const { child, line, ended } = await startProcess(command, args, /^\{"address":/);
  const { address, namespace } = JSON.parse(line) as { address: string; namespace: string };
  const stop = async (): Promise<void> => {
    child.stdin?.end();
    await ended;
  };
  return { address, namespace, stop };
}
