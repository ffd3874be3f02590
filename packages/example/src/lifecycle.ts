import { constants } from 'node:os';

/** The demo was told to end before its end, by Ctrl-C for instance. */
export class Interrupted extends Error {
  override name = 'Interrupted';

  constructor(readonly signal: NodeJS.Signals) {
    super(`Interrupted by ${signal}`);
  }
}

/** What has to be undone, in whatever way the process ends: the latest first. */
export class Teardown {
  private readonly steps: (() => Promise<unknown>)[] = [];

  add(step: () => Promise<unknown>): void {
    this.steps.push(step);
  }

  /** Takes every step, and then rejects with the first failure if there was one. */
  async run(): Promise<void> {
    const failures: unknown[] = [];
    for (let step = this.steps.pop(); step; step = this.steps.pop()) {
      await step().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }
}

/** Runs `main`, undoes everything, and ends the process: 0 if all went well, 1 or a signal's exit code if not. */
export async function runProcess(
  main: (teardown: Teardown, interruption: Promise<NodeJS.Signals>) => Promise<void>,
  explain: (error: unknown) => void,
): Promise<void> {
  const teardown = new Teardown();
  let exitCode = 0;
  try {
    await main(teardown, nextSignal());
  } catch (error) {
    exitCode = error instanceof Interrupted ? 128 + constants.signals[error.signal] : 1;
    explain(error);
  }
  try {
    await teardown.run();
  } catch (error) {
    // What was broken off is still running, into things that have just been closed.
    if (exitCode === 0) {
      exitCode = 1;
      explain(error);
    }
  }
  process.exit(exitCode);
}

/** Resolves to the first signal to end; the second one ends the process at once, as usual. */
async function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, resolve);
    // Listening to signals alone doesn't keep a process alive.
    setInterval(() => {}, 2 ** 30);
  });
}
