#!/usr/bin/env node
import { runCli } from './run-cli';

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // The second signal ends the process at once, because the first handler is gone by then.
  process.once(signal, () => interruption.abort(new Error(`Interrupted by ${signal}`)));
}

const { stdout, stderr } = process;
void (async () => {
  process.exitCode = await runCli(process.argv.slice(2), { stdout, stderr, signal: interruption.signal });
})();
