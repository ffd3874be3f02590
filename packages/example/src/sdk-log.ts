import { DefaultLogger, Runtime, type LogEntry } from '@temporalio/worker';
import { findRootCause } from './errors';

/**
 * Messages of the run without external storage, whose failure the demo reports itself: a payload is too large,
 * therefore the workflow fails, therefore the activities of the other pages complete after its end.
 */
const EXPECTED_MESSAGES = /^(\[TMPRL1103\]|Workflow failed|Activity not found on completion)/;

/**
 * Reduces the SDK's log to one line per warning, and disables its signal handlers, because the demo handles signals.
 */
export function silenceSdkLog(interruption: Promise<unknown>): void {
  let interrupted = false;
  // After an interruption, calls that still run fail, which is expected.
  void interruption.then(() => (interrupted = true));
  const print = ({ level, message, meta }: LogEntry): void => {
    if (interrupted || EXPECTED_MESSAGES.test(message)) return;
    const cause = findRootCause(meta?.error);
    console.error(`  ${level.toLowerCase()}: ${message}${cause instanceof Error ? `: ${cause.message}` : ''}`);
  };
  Runtime.install({
    logger: new DefaultLogger('WARN', print),
    telemetryOptions: { logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} } },
    shutdownSignals: [],
  });
}
