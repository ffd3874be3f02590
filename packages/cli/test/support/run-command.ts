import { Writable } from 'node:stream';
import { runCli, type ExitStatus } from '../../src/run-cli';

/** The output of a run of the command line. */
export interface CommandOutput {
  status: ExitStatus;
  stdout: string;
  stderr: string;
}

/** Runs the command line in this process. */
export async function runCommand(
  args: string[],
  { isTTY = false, signal = new AbortController().signal }: { isTTY?: boolean; signal?: AbortSignal } = {},
): Promise<CommandOutput> {
  const stdout = collectText();
  const stderr = collectText();
  const status = await runCli(args, {
    stdout: stdout.stream,
    stderr: Object.assign(stderr.stream, { isTTY }),
    signal,
  });
  return { status, stdout: stdout.read(), stderr: stderr.read() };
}

/** Runs a command with `--json`, which must succeed or find something wrong. */
export async function runJson<Result>(...args: string[]): Promise<Result> {
  const { status, stdout, stderr } = await runCommand([...args, '--json']);
  if (status === 2) throw new Error(stderr);
  return JSON.parse(stdout) as Result;
}

function collectText(): { stream: Writable; read: () => string } {
  let text = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  return { stream, read: () => text };
}
