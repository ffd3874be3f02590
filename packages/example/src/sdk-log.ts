import { DefaultLogger, Runtime, type LogEntry } from '@temporalio/worker';
import { findRootCause } from './errors';

/**
 * What the run without external storage comes to, which the demo itself tells: a payload is beyond the limit, so the
 * workflow fails, so the activities of the other pages finish in vain.
 */
const TOLD_ANYWAY = /^(\[TMPRL1103\]|Workflow failed|Activity not found on completion)/;

/** Leaves of the SDK's log the warnings, a line each, and of its signal handlers nothing: the demo ends by itself. */
export function silenceSdkLog(interruption: Promise<unknown>): void {
  let interrupted = false;
  // What is still running then fails, and that is nobody's concern.
  void interruption.then(() => (interrupted = true));
  const print = ({ level, message, meta }: LogEntry): void => {
    if (interrupted || TOLD_ANYWAY.test(message)) return;
    const cause = findRootCause(meta?.error);
    console.error(`  ${level.toLowerCase()}: ${message}${cause instanceof Error ? `: ${cause.message}` : ''}`);
  };
  Runtime.install({
    logger: new DefaultLogger('WARN', print),
    telemetryOptions: { logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} } },
    shutdownSignals: [],
  });
}
