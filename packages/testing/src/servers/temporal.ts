import { join } from 'node:path';
import { readExecutablePath } from './executable';
import { tryInOrder } from './try-in-order';
import type { Running } from './start-together';
import { findFreePort } from './port';
import { startProcess } from './process';
import { withProgress } from './progress';
import { buildTemporalServer, findTemporalServer } from './temporal-server';

/** A running Temporal server. */
export interface RunningTemporal extends Running {
  address: string;
  namespace: string;
  /** Where its Web UI is, if it was asked for. */
  uiUrl?: string;
}

/** Options of {@link startTemporal}. */
export interface TemporalOptions {
  /** Serves the Web UI too, with the codec server at `codecEndpoint` if that is given. */
  ui?: { codecEndpoint?: string };
}

const CLI_SCRIPT = join(__dirname, '../../temporal-server/cli.js');
const ADVICE =
  'Set TEMPORAL_ADDRESS (and TEMPORAL_NAMESPACE) to a running server, ' +
  "or TEMPORAL_CLI_PATH to Temporal's CLI, or install Go.";

/**
 * Starts a Temporal server that keeps its data in memory and ends with this process. Uses the first of: the server at
 * TEMPORAL_ADDRESS, which `stop` does not stop; the CLI at TEMPORAL_CLI_PATH; the server that
 * {@link prepareTemporalServer} built; the CLI that the SDK downloads. With `ui`, the server at TEMPORAL_ADDRESS is not
 * used, because nothing says where its Web UI is.
 */
export async function startTemporal({ ui }: TemporalOptions = {}): Promise<RunningTemporal> {
  const address = process.env.TEMPORAL_ADDRESS;
  if (address && !ui) return { address, namespace: process.env.TEMPORAL_NAMESPACE ?? 'default', stop: async () => {} };

  const cli = readExecutablePath('TEMPORAL_CLI_PATH');
  if (cli !== undefined) return startCli(cli, ui);

  const built = await findTemporalServer();
  if (built !== undefined) {
    return startServer(built, ...(ui ? ['-ui', `-ui-codec-endpoint=${ui.codecEndpoint ?? ''}`] : []));
  }

  return tryInOrder(
    [["the SDK's download of the CLI", async () => startCli('', ui)]],
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

async function tryDownloadedCli(): Promise<string> {
  const server = await withProgress("Trying Temporal's CLI, which the SDK downloads", startCli(''));
  await server.stop();
  return "Temporal's CLI";
}

/** Starts Temporal's CLI, the one that the SDK downloads if `path` is empty. */
async function startCli(path: string, ui?: TemporalOptions['ui']): Promise<RunningTemporal> {
  if (ui === undefined) return startServer(process.execPath, CLI_SCRIPT, path);
  const uiPort = await findFreePort();
  const server = await startServer(process.execPath, CLI_SCRIPT, path, String(uiPort), ui.codecEndpoint ?? '');
  return { ...server, uiUrl: `http://127.0.0.1:${uiPort}` };
}

/** Starts a program that prints its address and namespace as a line of JSON, and ends when its standard input closes. */
async function startServer(command: string, ...args: string[]): Promise<RunningTemporal> {
  const { child, line, ended } = await startProcess(command, args, /^\{"address":/);
  const description = JSON.parse(line) as Omit<RunningTemporal, 'stop'>;
  const stop = async (): Promise<void> => {
    child.stdin?.end();
    await ended;
  };
  return { ...description, stop };
}
