import { spawn, type ChildProcess } from 'node:child_process';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';

/** A child process that is ready. */
export interface RunningProcess {
  child: ChildProcess;
  /** The line of output that matched `readyLine`. */
  line: string;
  /** Resolves once the process has ended. */
  ended: Promise<unknown>;
}

const TAIL_LENGTH = 2000;

/** Starts a process and waits for a line of output that matches. Rejects with the last output if the process ends first. */
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
