import type { StorageDriverTargetInfo } from '@temporalio/common';

/**
 * A second implementation of the key format, written from docs/key-format.md alone. Unlike the driver, it works byte by
 * byte, without `encodeURIComponent` and without a regular expression.
 */

const UNRESERVED = new Set(Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~'));
const UPPER_HEX = '0123456789ABCDEF';
const LOWER_HEX = '0123456789abcdef';

/** The target in a key. A missing namespace is undefined. */
export interface Scope {
  kind: 'workflow' | 'activity';
  namespace: string | undefined;
  type: string;
  id: string;
  runId: string;
}

/** The parts of a target that its keys contain. */
export function describeScope(target: StorageDriverTargetInfo | undefined): Scope | undefined {
  if (target === undefined) return undefined;
  const { kind, namespace, type, id, runId } = target;
  return { kind, namespace: namespace || undefined, type: type || 'null', id: id || 'null', runId: runId || 'null' };
}

export function buildReferenceKey(prefix: string, target: StorageDriverTargetInfo | undefined, digest: string): string {
  const scope = describeScope(target);
  let key = prefix === '' ? 'v0' : `${prefix}:v0`;
  if (scope?.namespace !== undefined) key += `:ns:${percentEncode(scope.namespace)}`;
  if (scope?.kind === 'workflow') key += `:wt:${percentEncode(scope.type)}:wi:${percentEncode(scope.id)}`;
  if (scope?.kind === 'activity') key += `:at:${percentEncode(scope.type)}:ai:${percentEncode(scope.id)}`;
  if (scope !== undefined) key += `:ri:${percentEncode(scope.runId)}`;
  return `${key}:d:sha256:${digest}`;
}

/** Reads a key of a known prefix from left to right. */
export function parseReferenceKey(prefix: string, key: string): { scope: Scope | undefined; digest: string } {
  if (!key.startsWith(prefix)) throw new Error('The key has another prefix');
  const segments = key.slice(prefix === '' ? 0 : prefix.length + 1).split(':');
  const takeName = (...names: string[]): string => {
    const name = segments.shift();
    if (name === undefined || !names.includes(name)) throw new Error(`Expected ${names.join(' or ')}, got ${name}`);
    return name;
  };
  const takeValue = (name: string): string => {
    takeName(name);
    return percentDecode(segments.shift() ?? '');
  };
  const takeDigest = (): string => {
    takeName('d');
    takeName('sha256');
    const hex = segments.shift() ?? '';
    if (!isDigest(hex) || segments.length > 0) throw new Error('The key does not end with a digest');
    return hex;
  };

  takeName('v0');
  if (segments[0] === 'd') return { scope: undefined, digest: takeDigest() };
  const namespace = segments[0] === 'ns' ? takeValue('ns') : undefined;
  const [kind, typeTag, idTag] =
    segments[0] === 'wt' ? (['workflow', 'wt', 'wi'] as const) : (['activity', 'at', 'ai'] as const);
  const scope = { kind, namespace, type: takeValue(typeTag), id: takeValue(idTag), runId: takeValue('ri') };
  return { scope, digest: takeDigest() };
}

const SCOPE_TAGS = [[], ['wt', 'wi', 'ri'], ['at', 'ai', 'ri'], ['ns', 'wt', 'wi', 'ri'], ['ns', 'at', 'ai', 'ri']];

/** The digest in a key of this format with any prefix; `undefined` for any other key. */
export function findReferenceDigest(key: string): string | undefined {
  const segments = key.split(':');
  for (const tags of SCOPE_TAGS) {
    const [version, ...rest] = segments.slice(-(2 * tags.length + 4));
    const [d, algorithm, hex = ''] = rest.slice(-3);
    const scopeFits = tags.every((tag, i) => rest[2 * i] === tag && isEncoded(rest[2 * i + 1] ?? ''));
    if (version === 'v0' && scopeFits && d === 'd' && algorithm === 'sha256' && isDigest(hex)) return hex;
  }
  return undefined;
}

function percentEncode(text: string): string {
  let encoded = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    encoded += UNRESERVED.has(byte)
      ? String.fromCharCode(byte)
      : `%${UPPER_HEX.charAt(byte >> 4)}${UPPER_HEX.charAt(byte & 15)}`;
  }
  return encoded;
}

function percentDecode(encoded: string): string {
  const bytes: number[] = [];
  for (let i = 0; i < encoded.length; i++) {
    if (encoded.charAt(i) === '%') {
      bytes.push(UPPER_HEX.indexOf(encoded.charAt(i + 1)) * 16 + UPPER_HEX.indexOf(encoded.charAt(i + 2)));
      i += 2;
    } else {
      bytes.push(encoded.charCodeAt(i));
    }
  }
  const text = Buffer.from(bytes).toString('utf8');
  if (text === '' || percentEncode(text) !== encoded) throw new Error('The value is not percent-encoded UTF-8');
  return text;
}

/** Whether a segment is percent-encoded. The decoded bytes need not be UTF-8. */
function isEncoded(segment: string): boolean {
  for (let i = 0; i < segment.length; i++) {
    const isEscape =
      segment.charAt(i) === '%' &&
      isOneOf(UPPER_HEX, segment.charAt(i + 1)) &&
      isOneOf(UPPER_HEX, segment.charAt(i + 2));
    if (isEscape) i += 2;
    else if (!UNRESERVED.has(segment.charCodeAt(i))) return false;
  }
  return segment !== '';
}

function isDigest(text: string): boolean {
  return text.length === 64 && Array.from(text).every((digit) => isOneOf(LOWER_HEX, digit));
}

function isOneOf(digits: string, digit: string): boolean {
  return digit !== '' && digits.includes(digit);
}
