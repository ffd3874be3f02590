import { ValueError, type StorageDriverTargetInfo } from '@temporalio/common';
import { HASH_ALGORITHM } from './digest';

/** What `encodeURIComponent` leaves alone but the key scheme encodes. */
const RESERVED = /[!'()*]/g;

/** Far beyond what Event History takes, and within what a regular expression can match without running out of stack. */
const MAX_KEY_LENGTH = 1024 * 1024;

const SEGMENT = '(?:[\\w.~-]|%[0-9A-F]{2})+';
const KEY = new RegExp(
  '^(?:[^]*:)?v0' +
    `(?:(?::ns:${SEGMENT})?:(?:wt:${SEGMENT}:wi|at:${SEGMENT}:ai):${SEGMENT}:ri:${SEGMENT})?` +
    `:d:${HASH_ALGORITHM}:(?<digest>[0-9a-f]{64})$`,
);

/**
 * The key of a payload: `{prefix}:v0[:ns:…:wt:…:wi:…:ri:…]:d:sha256:{digest}`, byte for byte that of Temporal's Python
 * sample driver, so that workers of both languages can share payloads. The README specifies it.
 */
export function buildKey(prefix: string, target: StorageDriverTargetInfo | undefined, digest: string): string {
  return [...(prefix ? [prefix] : []), 'v0', ...buildTargetSegments(target), 'd', HASH_ALGORITHM, digest].join(':');
}

/** The digest at the end of a key of this scheme, whatever its prefix; `undefined` for any other key. */
export function digestInKey(key: string): string | undefined {
  return key.length > MAX_KEY_LENGTH ? undefined : KEY.exec(key)?.groups?.['digest'];
}

function buildTargetSegments(target: StorageDriverTargetInfo | undefined): string[] {
  if (target === undefined) return [];
  const { kind, namespace, type, id, runId } = target;
  const [typeTag, idTag] = kind === 'workflow' ? (['wt', 'wi'] as const) : (['at', 'ai'] as const);
  const identity = [
    typeTag,
    encodeKeySegment(`${kind} type`, type),
    idTag,
    encodeKeySegment(`${kind} id`, id),
    'ri',
    encodeKeySegment('run id', runId),
  ];
  return namespace ? ['ns', encodeKeySegment('namespace', namespace), ...identity] : identity;
}

function encodeKeySegment(field: string, value: string | undefined): string {
  if (!value) return 'null';
  if (!value.isWellFormed()) {
    throw new ValueError(`The ${field} holds a lone surrogate, so it has no UTF-8 form to build a Redis key from`);
  }
  return encodeURIComponent(value).replace(RESERVED, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
