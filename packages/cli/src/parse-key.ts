import type { StorageDriverTargetInfo } from '@temporalio/common';

const SEGMENT = '((?:[\\w.~-]|%[0-9A-F]{2})+)';
const KEY = new RegExp(
  `^(?:([^]*):)?v0(?:(?::ns:${SEGMENT})?:(?:wt:${SEGMENT}:wi|at:${SEGMENT}:ai):${SEGMENT}:ri:${SEGMENT})?:d:sha256:([0-9a-f]{64})$`,
);
const MAX_KEY_LENGTH = 1024 * 1024;

/** The parts of a payload's key; undefined for any other key. */
export function parseKey(
  key: string,
): { prefix: string; target?: StorageDriverTargetInfo; digest: string } | undefined {
  const match = key.length > MAX_KEY_LENGTH ? null : KEY.exec(key);
  if (match === null) return undefined;
  const [, prefix = '', namespace, workflowType, activityType, id, runId, digest] = match;
  if (id === undefined) return { prefix, digest: digest! };
  try {
    const type = decode(workflowType ?? activityType);
    const decodedId = decode(id);
    const decodedRunId = decode(runId);
    const target: StorageDriverTargetInfo = {
      kind: workflowType === undefined ? 'activity' : 'workflow',
      namespace: namespace === undefined ? '' : decodeURIComponent(namespace),
      ...(type !== undefined && { type }),
      ...(decodedId !== undefined && { id: decodedId }),
      ...(decodedRunId !== undefined && { runId: decodedRunId }),
    };
    return { prefix, target, digest: digest! };
  } catch {
    return undefined;
  }
}

/** The key format writes an absent value as `null`. */
function decode(segment: string | undefined): string | undefined {
  return segment === undefined || segment === 'null' ? undefined : decodeURIComponent(segment);
}
