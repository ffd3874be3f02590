import { createHash } from 'node:crypto';
import { StorageDriverClaim, ValueError, type Payload, type StorageDriverTargetInfo } from '@temporalio/common';
import vectors from '../../../docs/key-format-vectors.json';
import { parseKey, RedisStorageDriver } from '../src';
import { InMemoryStorageDriverClient } from '../src/testing';

/** An in-memory client that records the keys that it reads. */
class RecordingClient extends InMemoryStorageDriverClient {
  readonly readKeys: string[] = [];

  override async get(key: string): Promise<Uint8Array | null> {
    this.readKeys.push(key);
    return super.get(key);
  }
}

function decodeBase64(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'base64'));
}

/** Decodes a payload of the vectors, which contain bytes as base64. */
function decodePayload({ metadata, data }: { metadata?: Record<string, string>; data?: string }): Payload {
  return {
    ...(metadata && {
      metadata: Object.fromEntries(Object.entries(metadata).map(([name, text]) => [name, decodeBase64(text)])),
    }),
    ...(data !== undefined && { data: decodeBase64(data) }),
  };
}

/** Stores a payload, and returns the only key that the store writes. */
async function findStoredKey(payload: Payload, target: unknown, keyPrefix: string): Promise<string> {
  const client = new InMemoryStorageDriverClient();
  const context = target === null ? {} : { target: target as StorageDriverTargetInfo };
  await new RedisStorageDriver({ client, keyPrefix }).store(context, [payload]);
  expect(client.entries.size).toBe(1);
  return [...client.entries.keys()][0]!;
}

describe('the payloads of docs/key-format-vectors.json', () => {
  it.each(vectors.payloads)(
    'are stored as bytes, digest, key and claim, and read back: $name',
    async ({ payload: encoded, target, keyPrefix, bytes, digest, key, claim }) => {
      const payload = decodePayload(encoded);
      const client = new InMemoryStorageDriverClient();
      const driver = new RedisStorageDriver({ client, keyPrefix });

      const claims = await driver.store(target ? { target: target as StorageDriverTargetInfo } : {}, [payload]);

      expect(claims.map(({ claimData }) => claimData)).toEqual([claim]);
      expect([...client.entries.keys()]).toEqual([key]);
      const stored = (await client.get(key))!;
      expect(Buffer.from(stored).toString('base64')).toBe(bytes);
      expect(createHash('sha256').update(stored).digest('hex')).toBe(digest);
      const [read] = await driver.retrieve({}, claims);
      expect(read!.metadata).toEqual(payload.metadata ?? {});
      // protobufjs decodes absent data as an empty list.
      expect(Buffer.from(read!.data ?? []).toString('base64')).toBe(encoded.data ?? '');
    },
  );
});

describe('the keys of docs/key-format-vectors.json', () => {
  it.each(vectors.keys)(
    'are equal to the keys that the driver builds: $name',
    async ({ digest, target, keyPrefix, key }) => {
      const stored = await findStoredKey({ data: Uint8Array.of(1) }, target, keyPrefix);
      // The vector's digest belongs to bytes that are not a payload, so the test can't store them.
      expect(stored.slice(0, -digest.length) + digest).toBe(key);
    },
  );

  it.each(vectors.parsed)('are parsed: $name', ({ key, parsed }) => {
    expect(parseKey(key) ?? null).toEqual(parsed);
  });
});

describe('the claims of docs/key-format-vectors.json', () => {
  const payload = decodePayload(vectors.payloads[0]!.payload);

  /** Retrieves a claim from a Redis that contains only `stored`, at the claim's key. */
  async function retrieve(
    claimData: object,
    stored: string | null,
  ): Promise<{ read?: Payload; error?: unknown; readKeys: string[] }> {
    const client = new RecordingClient();
    const { key } = claimData as { key: string };
    if (stored !== null) await client.setIfAbsent(key, decodeBase64(stored));
    const claim = new StorageDriverClaim(claimData as Record<string, string>);
    try {
      const [read] = await new RedisStorageDriver({ client }).retrieve({}, [claim]);
      return { read: read!, readKeys: client.readKeys };
    } catch (error) {
      return { error, readKeys: client.readKeys };
    }
  }

  function filterByVerdict(wanted: string): { name: string; claim: object; stored: string | null }[] {
    return vectors.claims.filter(({ verdict }) => verdict === wanted);
  }

  it('have a verdict that a test below checks', () => {
    const verdicts = new Set(vectors.claims.map(({ verdict }) => verdict));
    expect([...verdicts].toSorted()).toEqual(['absent', 'corrupt', 'payload', 'refused']);
  });

  it.each(filterByVerdict('payload'))('lead to the payload: $name', async ({ claim, stored }) => {
    const { read, error } = await retrieve(claim, stored);
    expect(error).toBeUndefined();
    expect(read!.metadata).toEqual(payload.metadata);
    expect(Buffer.compare(read!.data!, payload.data!)).toBe(0);
  });

  it.each(filterByVerdict('absent'))('lead to PayloadNotFoundError: $name', async ({ claim, stored }) => {
    const { error, readKeys } = await retrieve(claim, stored);
    expect(error).toMatchObject({ type: 'PayloadNotFoundError', nonRetryable: true });
    expect(readKeys).toHaveLength(1);
  });

  it.each(filterByVerdict('corrupt'))('are refused after the read: $name', async ({ claim, stored }) => {
    const { error, readKeys } = await retrieve(claim, stored);
    expect(error).toBeInstanceOf(ValueError);
    expect(readKeys).toHaveLength(1);
  });

  it.each(filterByVerdict('refused'))('are refused before any read: $name', async ({ claim, stored }) => {
    const { error, readKeys } = await retrieve(claim, stored);
    expect(error).toBeInstanceOf(ValueError);
    expect(readKeys).toEqual([]);
  });
});
