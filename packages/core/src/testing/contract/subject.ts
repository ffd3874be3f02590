import { strict as assert } from 'node:assert';
import { randomUUID } from 'node:crypto';
import { isUint8Array } from 'node:util/types';
import type { RedisStorageDriverClient } from '../../client';

/**
 * Direct access to the store that the client under test writes to, by other means than that client.
 *
 * @experimental
 */
export interface ContractStore {
  /** The bytes at `key`; null if it is absent. */
  read(key: string): Promise<Uint8Array | null>;
  /** Sets `key` to `data`. It expires after `ttlMs` milliseconds, or never without them. */
  write(key: string, data: Uint8Array, ttlMs?: number): Promise<void>;
  /** Makes `key` a list with one element. */
  writeList(key: string): Promise<void>;
  delete(key: string): Promise<void>;
  /** The milliseconds that `key` has left; undefined if it never expires. */
  ttlMs(key: string): Promise<number | undefined>;
}

/**
 * A connected client under test, and its store.
 *
 * @experimental
 */
export interface ContractSubject {
  client: RedisStorageDriverClient;
  store: ContractStore;
  /** Optional. Called at the end of each case. Leave it out to share a subject, and close that after all cases. */
  close?(): Promise<void>;
}

/** A case of the contract before it has a subject. */
export interface SubjectCase {
  name: string;
  run: (subject: ContractSubject) => Promise<void>;
}

export const DAY_MS = 24 * 60 * 60 * 1000;

/** A key that no other case uses. */
export function createKey(): string {
  return `contract:${randomUUID()}`;
}

export function assertBytes(actual: unknown, expected: Uint8Array): void {
  assert.ok(isUint8Array(actual), `Expected a Uint8Array, got ${String(actual)}`);
  assert.equal(actual.byteLength, expected.byteLength);
  // A deep comparison would take minutes for 20 MiB.
  assert.equal(Buffer.compare(actual, expected), 0, 'The bytes differ');
}

/** Stores and reads through the client, and checks that the store holds the same bytes. */
export async function assertRoundTrip(
  { client, store }: ContractSubject,
  key: string,
  data: Uint8Array,
): Promise<void> {
  assert.equal(await client.setIfAbsent(key, data), true);
  assertBytes(await store.read(key), data);
  assertBytes(await client.get(key), data);
}

/** Asserts that a request rejects with this very reason. */
export async function assertRejectsWith(request: Promise<unknown>, reason: Error): Promise<void> {
  await assert.rejects(request, (error) => error === reason);
}
