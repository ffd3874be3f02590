import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { StorageDriverTargetInfo } from '@temporalio/common';
import { createClient } from 'redis';

/** The test's own connection to Redis. */
export type TestRedis = ReturnType<typeof createClient>;

export async function openRedis(url: string): Promise<TestRedis> {
  const redis: TestRedis = createClient({ url });
  await redis.connect();
  return redis;
}

/** A prefix that no other test uses. */
export function createPrefix(): string {
  return `test:${randomUUID()}`;
}

/** Whose payload a key is. Parts that are left out are `null` in the key. */
export interface KeyTarget {
  kind?: StorageDriverTargetInfo['kind'];
  namespace?: string;
  type?: string;
  id?: string;
  runId?: string;
}

/** Spells a payload's key out as the documents specify it. The digest is random unless `data` is given. */
export function spellKey(prefix: string, target?: KeyTarget, data: Uint8Array = randomBytes(16)): string {
  const digest = `d:sha256:${createHash('sha256').update(data).digest('hex')}`;
  if (target === undefined) return `${prefix}:v0:${digest}`;
  const { kind = 'workflow', namespace, type, id, runId } = target;
  const [t, i] = kind === 'workflow' ? ['wt', 'wi'] : ['at', 'ai'];
  const scope = namespace === undefined ? '' : `:ns:${encodeSegment(namespace)}`;
  return `${prefix}:v0${scope}:${t}:${encodeSegment(type)}:${i}:${encodeSegment(id)}:ri:${encodeSegment(runId)}:${digest}`;
}

function encodeSegment(text: string | undefined): string {
  if (!text) return 'null';
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
