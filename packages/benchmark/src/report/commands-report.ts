import { COMMANDS } from '../commands/command-load';
import { formatTable } from './markdown';
import type { Results } from './results';

/** Formats a row for each command and load. Memory is in MB, as in the target. */
export function formatCommands(commands: Results['commands']): string {
  const rows = Object.entries(commands).flatMap(([load, figures]) =>
    COMMANDS.map((command) => {
      const { wallMs, cpuMs, memory, pauseMs, idlePauseMs } = figures[command];
      return [
        `\`${command}\`, ${load}`,
        (wallMs / 1000).toFixed(1),
        (cpuMs / 1000).toFixed(1),
        (memory / 1e6).toFixed(0),
        pauseMs.toFixed(1),
        idlePauseMs.toFixed(1),
      ];
    }),
  );
  return formatTable(['', 'wall, s', 'CPU, s', 'memory, MB', 'longest pause, ms', 'without a command, ms'], rows);
}
