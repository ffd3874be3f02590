import { inspect } from 'node:util';

/** Longer than nearly every key, and short enough for a log line. */
const MAX_KEY_CHARACTERS = 4096;
/** Enough for `:d:sha256:` and the digest. */
const KEY_END_CHARACTERS = 80;

/** Control characters, line breaks, and invisible or bidirectional format characters. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * A value for an error message: short, and on one line. An object's content is left out, because it may hold secrets.
 */
export function formatValue(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return 'an object';
  return escapeUnprintable(inspect(value, { maxStringLength: 256, breakLength: Infinity }));
}

/** A key for an error message: on one line, of bounded length, with the digest at its end. A claim may contain any key. */
export function formatKey(key: string): string {
  if (key.length <= MAX_KEY_CHARACTERS) return escapeUnprintable(key);
  const start = key.slice(0, MAX_KEY_CHARACTERS - KEY_END_CHARACTERS);
  return `${escapeUnprintable(start)}…${escapeUnprintable(key.slice(-KEY_END_CHARACTERS))}`;
}

function escapeUnprintable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}
