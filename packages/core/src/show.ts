import { inspect } from 'node:util';

/** A value for an error message: short, on one line, and of an object nothing but its type, for it may hold secrets. */
export function show(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return `an object (${value.constructor?.name ?? 'no prototype'})`;
  return inspect(value, { maxStringLength: 256, breakLength: Infinity });
}
