import { createHash } from 'node:crypto';
import { StorageDriverClaim, ValueError, type StorageDriverTargetInfo } from '@temporalio/common';
import vectors from '../../../docs/key-format-vectors.json';
import { parseKey, RedisStorageDriver, type RedisStorageDriverClient } from '../src';
import { parseClaim } from '../src/claim';
import { buildKey } from '../src/key';
import { InMemoryStorageDriverClient } from '../src/testing';

type Base64Payload = { metadata?: Record<string, string>; data?: string };

const decode = (text: string): Buffer => Buffer.from(text, 'base64');

describe('the conformance vectors of the key format', () => {
  it.each(vectors.payloads)('store and read $name', async (vector) => {
    const { payload: given, keyPrefix } = vector;
    const { metadata, data } = given as Base64Payload;
    const payload = {
      ...(metadata && {
        metadata: Object.fromEntries(Object.entries(metadata).map(([name, text]) => [name, decode(text)])),
      }),
      ...(data !== undefined && { data: decode(data) }),
    };
    const client = new InMemoryStorageDriverClient();
    const driver = new RedisStorageDriver({ client, keyPrefix });
    const target = vector.target as StorageDriverTargetInfo | null;

    const claims = await driver.store(target ? { target } : {}, [payload]);

    expect(claims[0]!.claimData).toEqual(vector.claim);
    expect([...client.entries.keys()]).toEqual([vector.key]);
    const bytes = (await client.get(vector.key))!;
    expect(Buffer.from(bytes).toString('base64')).toBe(vector.bytes);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(vector.digest);
    const [read] = await driver.retrieve({}, claims);
    expect(Buffer.from(read!.data ?? []).toString('base64')).toBe(data ?? '');
  });

  it.each(vectors.keys)("build the Python driver's key: $name", ({ digest, target, keyPrefix, key }) => {
    const prefix = keyPrefix.replace(/:+$/, '');
    expect(buildKey(prefix, (target as StorageDriverTargetInfo | null) ?? undefined, digest)).toBe(key);
  });

  it.each(vectors.parsed)('parse a key: $name', ({ key, parsed }) => {
    expect(parseKey(key) ?? null).toEqual(parsed);
  });

  /** A client without payloads, and the keys that were asked for. */
  function createEmptyClient(): { client: RedisStorageDriverClient; read: string[] } {
    const read: string[] = [];
    const get = async (key: string): Promise<null> => {
      read.push(key);
      return null;
    };
    return { client: { get, setIfAbsent: async () => true }, read };
  }

  const accepted = vectors.claims.filter(({ verdict }) => verdict === 'accepted');
  const refused = vectors.claims.filter(({ verdict }) => verdict === 'refused');

  it.each(accepted)('accept a claim: $name', async ({ claim: claimData, key, digest }) => {
    const { client, read } = createEmptyClient();
    const claim = new StorageDriverClaim(claimData as unknown as Record<string, string>);
    await expect(new RedisStorageDriver({ client }).retrieve({}, [claim])).rejects.toMatchObject({
      type: 'PayloadNotFoundError',
    });
    expect(read).toEqual([key]);
    expect(parseClaim(claim).digest).toBe(digest);
  });

  it.each(refused)('refuse a claim before any read: $name', async ({ claim: claimData }) => {
    const { client, read } = createEmptyClient();
    const claim = new StorageDriverClaim(claimData as unknown as Record<string, string>);
    await expect(new RedisStorageDriver({ client }).retrieve({}, [claim])).rejects.toThrow(ValueError);
    expect(read).toEqual([]);
  });
});
