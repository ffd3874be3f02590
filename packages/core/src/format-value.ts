import { inspect } from 'node:util';

/**
 * A value for an error message: short, and on one line. An object's content is left out, because it may hold secrets.
 */
export function formatValue(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return 'an object';
  return inspect(value, { maxStringLength: 256, breakLength: Infinity });
}
