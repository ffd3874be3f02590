import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { RedisAddress } from '@temporal-redis-storage/testing';
import type { UpstashCredentials } from '@temporal-redis-storage/upstash';
import type { Cost } from './measure';
import type { CommandCost, CommandRun } from '../commands/command-load';
import type { WorkflowRun } from '../workflow/workflow-load';

/** The scripts of this package that run in separate processes, by path without extension. */
interface Scripts {
  'upstash-endpoint': { options: RedisAddress; result: UpstashCredentials };
  's3-server': { options: { bucket: string }; result: { url: string } };
  '../commands/command-process': { options: CommandRun; result: CommandCost };
  '../workflow/workflow-worker': { options: WorkflowRun; result: Cost };
}

/** A running script. */
export interface ServerProcess<Result> {
  /** The script's result, such as the address of its server. */
  result: Result;
  stop: () => Promise<void>;
}

/**
 * Runs a script that calls {@link serve} in a separate process, which has its own event loop and the Node options of
 * this process. Resolves once the script sends its result, and rejects if it ends before.
 */
export async function startProcess<Script extends keyof Scripts>(
  script: Script,
  options: Scripts[Script]['options'],
): Promise<ServerProcess<Scripts[Script]['result']>> {
  const child = fork(join(__dirname, `${script}.js`));
  child.send(options);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const result = await new Promise<Scripts[Script]['result']>((resolve, reject) => {
    child.once('message', (message) => resolve(message as Scripts[Script]['result']));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${script} ended with code ${code}`)));
  });
  const stop = async (): Promise<void> => {
    if (child.connected) child.disconnect();
    await ended;
  };
  return { result, stop };
}

/** Sends the result of `start` to the parent process, and exits when the parent stops the script or ends. */
export function serve<Script extends keyof Scripts>(
  start: (options: Scripts[Script]['options']) => Promise<Scripts[Script]['result']>,
): void {
  process.once('disconnect', () => process.exit());
  process.once('message', (options) => {
    start(options as Scripts[Script]['options']).then(
      (result) => process.send?.(result),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}
