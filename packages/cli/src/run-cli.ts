import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import type { AddCommand, CommandResult, RunCommand, Terminal } from './command';
import { addDoctorCommand } from './doctor-command';
import { addInspectCommand } from './inspect-command';
import { formatError } from './output/error';
import { addRenewCommand } from './renew-command';
import { addServeCommand } from './serve-command';
import { addUsageCommand } from './usage-command';

/** 0: fine; 1: something is wrong with what the command looked at; 2: the command could not look. */
export type ExitStatus = 0 | 1 | 2;

const COMMANDS: AddCommand[] = [addDoctorCommand, addInspectCommand, addUsageCommand, addRenewCommand, addServeCommand];

const HELP = `
Exit status: 0 fine, 1 something is wrong with what the command looked at, 2 the command could not look.
No command ever deletes a payload.`;

/** Runs the command line with these arguments, without the program's own name. Never rejects. */
export async function runCli(args: string[], terminal: Terminal): Promise<ExitStatus> {
  let status: ExitStatus = 0;
  const run: RunCommand =
    (action) =>
    async (...commandArgs) => {
      const result = await action(terminal, ...commandArgs);
      if (result === undefined) return;
      const { json } = findOptions(commandArgs);
      terminal.stdout.write(json === true ? `${JSON.stringify(result.json, null, 2)}\n` : formatText(result));
      if (result.failed) status = 1;
    };

  const program = createProgram(terminal, run);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    // Commander has printed what it threw, help and version included.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    terminal.stderr.write(`Error: ${formatError(error)}\n`);
    return 2;
  }
  return status;
}

function createProgram({ stdout, stderr }: Terminal, run: RunCommand): Command {
  const program = new Command('temporal-redis-storage')
    .description('Checks, inspects and keeps alive the Temporal payloads that Redis holds.')
    .version(readVersion(), '--version')
    .exitOverride()
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: (text) => stderr.write(text) })
    .configureHelp({ helpWidth: 100 })
    .showHelpAfterError('(add --help for the options)')
    .addHelpText('after', HELP);
  for (const addCommand of COMMANDS) addCommand(program, run);
  return program;
}

function readVersion(): string {
  const manifest = JSON.parse(readFileSync(join(__dirname, '../package.json'), 'utf8')) as { version: string };
  return manifest.version;
}

/** Commander passes a command's arguments, then its options, then the command. */
function findOptions(args: unknown[]): { json?: boolean } {
  return Object(args.at(-2)) as { json?: boolean };
}

function formatText({ text }: CommandResult): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}
