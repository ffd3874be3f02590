import { isNativeError } from 'node:util/types';

/** Redis repeats the arguments of a command that it doesn't know, and a payload's bytes may be among them. */
const ECHOED_ARGUMENTS = /,? with args beginning with:.*/;

/** Where Redis libraries keep a command with its arguments, or the bytes that they couldn't parse. */
const ARGUMENT_PROPERTIES = ['command', 'args', 'buffer'];

/** Errors nest: a cause, ioredis's `lastNodeError` of a cluster, node-redis's `errors` of a pipeline. */
const MAX_DEPTH = 5;

/**
 * Removes from a client's error, in place, what the library or Redis repeats of a command's arguments: they hold payload
 * content, and a login's password. Anything but an error stays as it is.
 */
export function redactArguments(error: unknown, depth = 0): void {
  if (!isNativeError(error) || depth > MAX_DEPTH) return;
  for (const property of ARGUMENT_PROPERTIES) Reflect.deleteProperty(error, property);
  for (const property of ['message', 'stack'] as const) {
    const text = error[property];
    if (text && ECHOED_ARGUMENTS.test(text)) Reflect.set(error, property, text.replace(ECHOED_ARGUMENTS, ''));
  }
  const { cause, lastNodeError, errors } = error as { cause?: unknown; lastNodeError?: unknown; errors?: unknown };
  const nested = [cause, lastNodeError, ...(Array.isArray(errors) ? (errors as unknown[]) : [])];
  for (const inner of nested) redactArguments(inner, depth + 1);
}
