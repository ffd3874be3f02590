import { Interrupted } from './lifecycle';
import { UsageError } from './options';

/** The demo came to something other than it has to. */
export class DemoError extends Error {
  override name = 'DemoError';
}

/** The innermost cause. */
export function findRootCause(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? findRootCause(error.cause) : error;
}

/** Whether it is the refusal of a payload beyond Temporal's limit: by the SDK, or by a server that doesn't tell its limits. */
export function isPayloadTooLarge(error: unknown): boolean {
  const { type, message } = findRootCause(error) as { type?: unknown; message?: unknown };
  return type === 'PayloadsTooLarge' || (typeof message === 'string' && message.includes('exceeds size limit'));
}

/** Tells a person what happened: the messages of the error and its causes, no stack. */
export function explain(error: unknown): void {
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
