import { spawn, type ChildProcess } from 'node:child_process';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';

/** A child process that is ready. */
export interface RunningProcess {
  child: ChildProcess;
  /** The line of output that said that it is ready. */
  line: string;
  /** Resolves once it has ended. */
  ended: Promise<unknown>;
}

const TAIL_LENGTH = 2000;

/** Starts a process and waits for a matching line of its output. Rejects with its last output if it ends before. */
export async function startProcess(command: string, args: string[], readyLine: RegExp): Promise<RunningProcess> {
  const child = spawn(command, args, { stdio: 'pipe' });
  const ended = new Promise((resolve) => child.once('close', resolve));
  let tail = '';
  const remember = (text: string): void => {
    tail = (tail + text).slice(-TAIL_LENGTH);
  };
  child.stderr.setEncoding('utf8').on('data', remember);
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (text) => {
      if (readyLine.test(text)) resolve(text);
      else remember(`${text}\n`);
    });
    child.once('error', reject);
    child.once('close', (code) => reject(new Error(`${basename(command)} ended with code ${code}: ${tail.trim()}`)));
  });
  return { child, line, ended };
}
