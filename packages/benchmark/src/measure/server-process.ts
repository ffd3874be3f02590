import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { RedisAddress } from '@temporal-redis-storage/testing';
import type { UpstashCredentials } from '@temporal-redis-storage/upstash';
import type { Cost } from './measure';
import type { WorkflowRun } from '../workflow/workflow-load';

/** The scripts of this package that run in their own process, by file name. */
interface Scripts {
  'upstash-endpoint': { options: RedisAddress; answer: UpstashCredentials };
  's3-server': { options: { bucket: string }; answer: { url: string } };
  '../workflow/workflow-worker': { options: WorkflowRun; answer: Cost };
}

/** Such a script that runs. */
export interface ServerProcess<Answer> {
  /** The first thing that it told. */
  answer: Answer;
  stop: () => Promise<void>;
}

/**
 * Starts a script that calls {@link serve}, with this process's Node options, so that it has an event loop to itself.
 * Rejects if it ends without an answer.
 */
export async function startProcess<Script extends keyof Scripts>(
  script: Script,
  options: Scripts[Script]['options'],
): Promise<ServerProcess<Scripts[Script]['answer']>> {
  const child = fork(join(__dirname, `${script}.js`));
  child.send(options);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const answer = await new Promise<Scripts[Script]['answer']>((resolve, reject) => {
    child.once('message', (message) => resolve(message as Scripts[Script]['answer']));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${script} ended with code ${code}`)));
  });
  const stop = async (): Promise<void> => {
    if (child.connected) child.disconnect();
    await ended;
  };
  return { answer, stop };
}

/** What such a script does: tells its parent the answer, and ends when the parent is done with it, or has ended. */
export function serve<Script extends keyof Scripts>(
  start: (options: Scripts[Script]['options']) => Promise<Scripts[Script]['answer']>,
): void {
  process.once('disconnect', () => process.exit());
  process.once('message', (options) => {
    start(options as Scripts[Script]['options']).then(
      (answer) => process.send?.(answer),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}
