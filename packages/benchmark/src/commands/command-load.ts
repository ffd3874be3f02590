/** The commands of the command line that visit every key. */
export type CommandName = 'usage' | 'renew';

/** Keys of workflows, the same number each. Of every two workflows one is open, and Temporal has forgotten the other. */
export interface CommandLoad {
  keys: number;
  workflows: number;
}

/** One run of a command. */
export interface CommandRun extends CommandLoad {
  command: CommandName;
  redisUrl: string;
  temporal: { address: string; namespace: string };
}

/** The time and memory that a command took. */
export interface CommandCost {
  wallMs: number;
  /** Of the command's process. */
  cpuMs: number;
  /** Peak resident set size of the command's process, in bytes. */
  memory: number;
}

/** The cost of a command, and of a client that reads one key again and again beside it. */
export interface CommandFigures extends CommandCost {
  /** The longest time for which a reply to the client was missing. */
  pauseMs: number;
  /** The longest such time while no command ran, for as long. */
  idlePauseMs: number;
}

export const COMMANDS: CommandName[] = ['usage', 'renew'];
export const COMMAND_LOADS: CommandLoad[] = [{ keys: 1_000_000, workflows: 5000 }];

export function formatCommandLoad({ keys, workflows }: CommandLoad): string {
  return `${keys.toLocaleString('en')} keys of ${workflows.toLocaleString('en')} workflows`;
}
