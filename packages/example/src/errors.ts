import { Interrupted } from './lifecycle';
import { UsageError } from './options';

/** The demo ran, but its result is wrong. */
export class DemoError extends Error {
  override name = 'DemoError';
}

/** Returns the innermost cause of an error. */
export function findRootCause(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? findRootCause(error.cause) : error;
}

/** Whether the SDK, or a server that doesn't announce its limits, rejected a payload as too large. */
export function isPayloadTooLarge(error: unknown): boolean {
  const { type, message } = findRootCause(error) as { type?: unknown; message?: unknown };
  return type === 'PayloadsTooLarge' || (typeof message === 'string' && message.includes('exceeds size limit'));
}

/** Prints the messages of an error and its causes, without stack traces. */
export function printError(error: unknown): void {
  if (error instanceof Interrupted) {
    console.error(`\n${error.message}.`);
    return;
  }
  console.error(
    `\n${error instanceof UsageError ? '' : 'The demo failed: '}${[...new Set(collectMessages(error))].join('\n  because: ')}`,
  );
  if (error instanceof UsageError) console.error('--help lists the options.');
}

function collectMessages(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)];
  return [error.message, ...(error.cause === undefined ? [] : collectMessages(error.cause))];
}
