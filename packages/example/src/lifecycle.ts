import { constants } from 'node:os';

/** A signal interrupted the demo, for example after Ctrl-C. */
export class Interrupted extends Error {
  override name = 'Interrupted';

  constructor(readonly signal: NodeJS.Signals) {
    super(`Interrupted by ${signal}`);
  }
}

/** Cleanup steps, which run in reverse order however the process ends. */
export class Teardown {
  private readonly steps: (() => Promise<unknown>)[] = [];

  add(step: () => Promise<unknown>): void {
    this.steps.push(step);
  }

  /** Runs all steps, then rejects with the first failure if there was one. */
  async run(): Promise<void> {
    const failures: unknown[] = [];
    for (let step = this.steps.pop(); step; step = this.steps.pop()) {
      await step().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }
}

/** Runs `main` and the cleanup, then exits: with 0 on success, with a signal's exit code after it, otherwise with 1. */
export async function runProcess(
  main: (teardown: Teardown, interruption: Promise<NodeJS.Signals>) => Promise<void>,
  printError: (error: unknown) => void,
): Promise<void> {
  const teardown = new Teardown();
  let exitCode = 0;
  try {
    await main(teardown, waitForSignal());
  } catch (error) {
    exitCode = error instanceof Interrupted ? 128 + constants.signals[error.signal] : 1;
    printError(error);
  }
  try {
    await teardown.run();
  } catch (error) {
    // After a failure, calls that still run may break the cleanup. Only the first failure matters.
    if (exitCode === 0) {
      exitCode = 1;
      printError(error);
    }
  }
  process.exit(exitCode);
}

/** Resolves to the first signal. A second signal ends the process at once, as usual. */
async function waitForSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, resolve);
    // Signal listeners alone don't keep a process alive.
    setInterval(() => {}, 2 ** 30);
  });
}
