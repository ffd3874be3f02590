import type { Writable } from 'node:stream';
import type { Command } from 'commander';

/** Where a command writes to, and the signal that interrupts it. */
export interface Terminal {
  stdout: Writable;
  /** Progress is written only where `isTTY` is true. */
  stderr: Writable & { isTTY?: boolean };
  /** Aborts on SIGINT and SIGTERM. */
  signal: AbortSignal;
}

/** The outcome of a command. */
export interface CommandResult {
  /** The output of `--json`. */
  json: unknown;
  /** The output for people. */
  text: string;
  /** True if something is wrong with what the command looked at: exit status 1. */
  failed: boolean;
}

/** Adds a command to the program. A command that prints its output itself returns undefined, which is exit status 0. */
export type AddCommand = (program: Command, run: RunCommand) => void;

/** Turns a command's work into the action that commander calls. */
export type RunCommand = <Args extends unknown[]>(
  action: (terminal: Terminal, ...args: Args) => Promise<CommandResult | undefined>,
) => (...args: Args) => Promise<void>;
