import { ValueError, type StorageDriverTargetInfo } from '@temporalio/common';
import { HASH_ALGORITHM } from './digest';

/** Characters that `encodeURIComponent` leaves alone and the key format encodes. */
const RESERVED = /[!'()*]/g;

/** Far more than Event History takes, and within what a regular expression can match without running out of stack. */
const MAX_KEY_LENGTH = 1024 * 1024;

const SEGMENT = '(?:[\\w.~-]|%[0-9A-F]{2})+';
// The prefix is matched lazily: a namespace or run id may itself be `v0`.
const KEY = new RegExp(
  '^(?:(?<prefix>[^]*?):)?v0' +
    `(?:(?::ns:(?<namespace>${SEGMENT}))?:(?:wt:(?<workflowType>${SEGMENT}):wi|at:(?<activityType>${SEGMENT}):ai)` +
    `:(?<id>${SEGMENT}):ri:(?<runId>${SEGMENT}))?` +
    `:d:${HASH_ALGORITHM}:(?<digest>[0-9a-f]{64})$`,
);

/**
 * A Redis key of this driver, taken apart.
 *
 * @experimental
 */
export interface ParsedKey {
  /** As it stands in the key; `''` if there is none. */
  prefix: string;
  /** The workflow or activity that the payload was stored for; absent from a key without one. */
  target?: StorageDriverTargetInfo;
  /** SHA-256 of the value, in lower-case hex. */
  digest: string;
}

/**
 * The key of a payload: `{prefix}:v0[:ns:…:wt:…:wi:…:ri:…]:d:sha256:{digest}`, byte for byte that of Temporal's Python
 * sample driver, so that workers of both languages can share payloads. `docs/key-format.md` specifies it.
 */
export function buildKey(prefix: string, target: StorageDriverTargetInfo | undefined, digest: string): string {
  return [...(prefix ? [prefix] : []), 'v0', ...buildTargetSegments(target), 'd', HASH_ALGORITHM, digest].join(':');
}

/**
 * Takes a key of this driver apart, whatever its prefix; undefined for any other key. A type, id or run id that the key
 * gives as `null` is left out of the target; without a namespace, the target's is `''`.
 *
 * @experimental
 */
export function parseKey(key: string): ParsedKey | undefined {
  const { prefix = '', namespace, workflowType, activityType, id, runId, digest } = matchKey(key) ?? {};
  if (digest === undefined) return undefined;
  if (id === undefined) return { prefix, digest };
  try {
    const kind = workflowType === undefined ? 'activity' : 'workflow';
    const names = Object.entries({ type: workflowType ?? activityType, id, runId })
      .filter(([, value]) => value !== 'null')
      .map(([name, value]) => [name, decodeURIComponent(value!)] as const);
    const target = { kind, namespace: decodeURIComponent(namespace ?? ''), ...Object.fromEntries(names) } as const;
    return { prefix, target, digest };
  } catch {
    // The percent-encoded bytes are not UTF-8, so this driver didn't build the key.
    return undefined;
  }
}

/** The digest at the end of a key in this driver's format, whatever its prefix; undefined for any other key. */
export function findDigest(key: string): string | undefined {
  return matchKey(key)?.['digest'];
}

function matchKey(key: string): Record<string, string | undefined> | undefined {
  return key.length > MAX_KEY_LENGTH ? undefined : KEY.exec(key)?.groups;
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
