/// <reference types="jest" />
import { randomBytes, randomUUID } from 'node:crypto';
import { isUint8Array } from 'node:util/types';
import type { RedisStorageDriverClient } from '@temporal-redis-storage/core';
import type { BackDoor } from '../servers/back-door';
import { waitUntil } from '../wait-until';

/** A client to hold against the contract, and the store that it writes to. */
export interface ContractSubject {
  client: RedisStorageDriverClient;
  backDoor: BackDoor;
  /** Closes the client's connection; the suite closes the back door. */
  close(): Promise<void>;
}

const MIB = 1024 * 1024;
const DAY_MS = 24 * 60 * 60 * 1000;

const SIZES = [0, 1, 2, 255, 256, 1023, 4096, 65_535, 65_536, MIB - 1, MIB + 1, 20 * MIB];

const TEXTS = [
  ['0', '-1', '007', '3.14', '1e3', '9007199254740993', 'NaN', 'Infinity'],
  ['null', 'undefined', 'true', 'false', 'nil', 'OK', 'QUEUED', 'PONG'],
  ['{"a":1}', '[1,2]', '""', '"quoted"', '{"result":"OK"}', '{"error":"no"}', 'eyJhIjoxfQ=='],
  ['$-1\r\n', '+OK\r\n', '-ERR no\r\n', ':1\r\n', '*0\r\n', '_\r\n', '$3\r\nabc\r\n', '\r\n', '\n', '\0'],
  [' padded ', '%2F', 'ünïcödé', '😀', '\ufeffmarked', '\ufffd'],
].flat();

/** None of these is UTF-8. */
const NOT_TEXT = {
  'bytes that never occur': [0xff, 0xfe, 0xc0, 0xc1],
  'a lone continuation byte': [0x80],
  'a sequence that is cut off': [0x61, 0xe2, 0x82],
  'a wrong continuation byte': [0xc3, 0x28],
  'an overlong encoding': [0xc0, 0xaf],
  'an encoded surrogate': [0xed, 0xa0, 0x80],
  'a UTF-16 byte order mark': [0xff, 0xfe, 0x41, 0x00],
};

const KEY_ENDS = {
  'every ASCII punctuation mark': '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~',
  'percent sequences': '%2F%25%00%zz%',
  'a percent sign at its end': 'a%',
  'what a percent sequence would decode to': 'a/b',
  'a percent sequence': 'a%2Fb',
  'path segments': '/../a//./b/',
  'a query and a fragment': 'a?b=c&d=e#f',
  'a plus sign': 'a+b',
  'a space': 'a b',
  'spaces around': '  a  ',
  'line breaks': 'a\r\nb\nc',
  'control characters': '\0\u0001\t\u007f',
  'composed letters': 'é',
  'decomposed letters': 'e\u0301',
  'characters outside the BMP': '😀𝔘𠜎',
  'right-to-left text': 'שלום',
  'a hash tag': '{tag}a',
  'an empty hash tag': '{}a',
  '4 KiB': 'k'.repeat(4096),
  'a payload key': 'wt:My%20Workflow:wi:null:ri:null:d:sha256:' + 'a'.repeat(64),
};

const TTLS_MS = [1_500, 60_001, 45 * DAY_MS];

/**
 * What every {@link RedisStorageDriverClient} must do, as one Jest suite. The factory is called once; every test has
 * keys of its own.
 */
export function describeClientContract(name: string, factory: () => Promise<ContractSubject>): void {
  describe(`${name}: the client contract`, () => {
    let client: RedisStorageDriverClient;
    let backDoor: BackDoor;
    let subject: ContractSubject | undefined;

    beforeAll(async () => {
      subject = await factory();
      ({ client, backDoor } = subject);
    });

    afterAll(async () => {
      try {
        await subject?.close();
      } finally {
        await subject?.backDoor.close();
      }
    });

    /** Stores and reads through the client, and checks that the store itself holds just these bytes. */
    async function expectRoundTrip(key: string, data: Uint8Array): Promise<void> {
      await expect(client.setIfAbsent(key, data)).resolves.toBe(true);
      expectBytes(await backDoor.read(key), data);
      expectBytes(await client.get(key), data);
    }

    describe('values', () => {
      it('keeps all 256 byte values', async () => {
        await expectRoundTrip(
          newKey(),
          Uint8Array.from({ length: 256 }, (_, index) => index),
        );
      });

      it.each(SIZES)('keeps %d bytes', async (size) => {
        await expectRoundTrip(newKey(), randomBytes(size));
      });

      it.each(TEXTS)('keeps %j', async (text) => {
        await expectRoundTrip(newKey(), Buffer.from(text));
      });

      it.each(Object.entries(NOT_TEXT))('keeps what is not UTF-8: %s', async (_, bytes) => {
        await expectRoundTrip(newKey(), Uint8Array.from(bytes));
      });

      it('stores just its part of a larger buffer, and leaves the buffer as it was', async () => {
        const whole = randomBytes(1000);
        const before = Buffer.from(whole);
        const key = newKey();

        await client.setIfAbsent(key, new Uint8Array(whole.buffer, whole.byteOffset + 100, 50));

        expectBytes(await backDoor.read(key), before.subarray(100, 150));
        expectBytes(whole, before);
      });

      it('is unaffected by changes to the array that was stored', async () => {
        const key = newKey();
        const data = Uint8Array.of(1, 2, 3);
        await client.setIfAbsent(key, data);

        data.fill(0);

        expectBytes(await client.get(key), Uint8Array.of(1, 2, 3));
      });

      it('is unaffected by changes to an array that was read', async () => {
        const key = newKey();
        await client.setIfAbsent(key, Uint8Array.of(1, 2, 3));

        (await client.get(key))!.fill(0);

        expectBytes(await client.get(key), Uint8Array.of(1, 2, 3));
      });

      it('reads what another client wrote', async () => {
        const key = newKey();
        const data = randomBytes(1000);
        await backDoor.write(key, data);

        expectBytes(await client.get(key), data);
      });
    });

    describe('keys', () => {
      it.each(Object.entries(KEY_ENDS))('may hold %s', async (_, end) => {
        await expectRoundTrip(`${newKey()}:${end}`, Buffer.from(end));
      });

      it('are all different', async () => {
        const start = newKey();
        const keys = Object.values(KEY_ENDS).map((end) => `${start}:${end}`);

        for (const key of keys) expect(await client.setIfAbsent(key, Buffer.from(key))).toBe(true);

        for (const key of keys) expectBytes(await client.get(key), Buffer.from(key));
      });
    });

    describe('an absent key', () => {
      it('is null', async () => {
        await expect(client.get(newKey())).resolves.toBeNull();
      });

      it('is null after the key was deleted, and may be set again', async () => {
        const key = newKey();
        await client.setIfAbsent(key, Buffer.from('first'));
        await backDoor.delete(key);

        await expect(client.get(key)).resolves.toBeNull();
        await expectRoundTrip(key, Buffer.from('second'));
      });
    });

    describe('a key that exists', () => {
      it.each([
        [undefined, undefined],
        [undefined, 1_000],
        [DAY_MS, undefined],
        [DAY_MS, 1_000],
      ])('keeps its value and its TTL (first %p, then %p)', async (first, second) => {
        const key = newKey();
        await client.setIfAbsent(key, Buffer.from('first'), { ...(first !== undefined && { ttlMs: first }) });

        const inserted = await client.setIfAbsent(key, Buffer.from('second'), {
          ...(second !== undefined && { ttlMs: second }),
        });

        expect(inserted).toBe(false);
        expectBytes(await client.get(key), Buffer.from('first'));
        const ttlMs = await backDoor.ttlMs(key);
        if (first === undefined) expect(ttlMs).toBeUndefined();
        else expect(ttlMs).toBeGreaterThan(first - 60_000);
      });

      it('of another type is left alone', async () => {
        const key = newKey();
        await backDoor.writeList(key);

        await expect(client.setIfAbsent(key, Buffer.from('value'))).resolves.toBe(false);
      });

      it('of another type is an error in the words of Redis', async () => {
        const key = newKey();
        await backDoor.writeList(key);

        const error: unknown = await client.get(key).catch((reason: unknown) => reason);

        expect(error).toBeInstanceOf(Error);
        expect((error as Error).message).toContain('WRONGTYPE Operation against a key holding the wrong kind of value');
      });
    });

    describe('at the same time', () => {
      it('64 writers of one key insert it exactly once', async () => {
        const key = newKey();
        const values = Array.from({ length: 64 }, (_, index) => Buffer.from(`writer ${index}`));

        const inserted = await Promise.all(values.map((value) => client.setIfAbsent(key, value, { ttlMs: DAY_MS })));

        expect(inserted.filter(Boolean)).toHaveLength(1);
        expectBytes(await client.get(key), values[inserted.indexOf(true)]!);
      });

      it('requests of many keys are not mixed up', async () => {
        const entries = Array.from({ length: 200 }, (_, index) => ({ key: newKey(), data: randomBytes(index * 50) }));

        const inserted = await Promise.all(entries.map(({ key, data }) => client.setIfAbsent(key, data)));
        const absent = newKey();
        const read = await Promise.all([...entries.map(({ key }) => key), absent].map((key) => client.get(key)));

        expect(inserted).toEqual(entries.map(() => true));
        entries.forEach(({ data }, index) => expectBytes(read[index], data));
        expect(read.at(-1)).toBeNull();
      });
    });

    describe('the TTL', () => {
      it.each(TTLS_MS)('is applied in milliseconds: %d', async (ttlMs) => {
        const key = newKey();
        const start = performance.now();
        await client.setIfAbsent(key, Buffer.from('value'), { ttlMs });

        const left = (await backDoor.ttlMs(key)) ?? Infinity;

        expect(left).toBeLessThanOrEqual(ttlMs);
        // The clock of Redis and ours needn't tick together.
        expect(left).toBeGreaterThanOrEqual(ttlMs - (performance.now() - start) - 100);
      });

      it.each([1, 250])('ends the key: %d', async (ttlMs) => {
        const key = newKey();
        await expect(client.setIfAbsent(key, Buffer.from('value'), { ttlMs })).resolves.toBe(true);

        await waitUntil('the key has expired', [key], async () => (await client.get(key)) === null);

        await expect(client.setIfAbsent(key, Buffer.from('again'))).resolves.toBe(true);
      });

      it('is none unless asked for', async () => {
        const key = newKey();
        await client.setIfAbsent(key, Buffer.from('value'));

        await expect(backDoor.ttlMs(key)).resolves.toBeUndefined();
      });

      it('is untouched by reading', async () => {
        const key = newKey();
        await backDoor.write(key, Buffer.from('value'), DAY_MS);
        await client.get(key);

        await expect(backDoor.ttlMs(key)).resolves.toBeGreaterThan(DAY_MS - 60_000);
      });
    });

    describe('an abort signal', () => {
      it('that is aborted already rejects a read with its reason', async () => {
        const key = newKey();
        await client.setIfAbsent(key, Buffer.from('value'));
        const reason = new Error('enough');

        await expect(client.get(key, { abortSignal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      });

      it('that is aborted already rejects a write with its reason, and nothing is written', async () => {
        const key = newKey();
        const reason = new Error('enough');
        const abortSignal = AbortSignal.abort(reason);

        await expect(client.setIfAbsent(key, Buffer.from('value'), { abortSignal })).rejects.toBe(reason);
        await expect(client.setIfAbsent(key, Buffer.from('value'), { abortSignal, ttlMs: 1000 })).rejects.toBe(reason);

        // Later commands of the same client would have pushed out an earlier one.
        await client.setIfAbsent(newKey(), Buffer.from('later'));
        await expect(backDoor.read(key)).resolves.toBeNull();
      });

      it('that aborts in the middle rejects with its reason, or comes too late', async () => {
        const controller = new AbortController();
        const reason = new Error('enough');
        const options = { abortSignal: controller.signal };
        const data = randomBytes(100_000);
        const requests = Array.from({ length: 20 }, async () => {
          const key = newKey();
          await client.setIfAbsent(key, data, options);
          return client.get(key, options);
        });

        setImmediate(() => controller.abort(reason));

        for (const outcome of await Promise.allSettled(requests)) {
          if (outcome.status === 'fulfilled') expectBytes(outcome.value, data);
          else expect(outcome.reason).toBe(reason);
        }
      });

      it('that never aborts changes nothing', async () => {
        const { signal: abortSignal } = new AbortController();
        const key = newKey();
        const data = randomBytes(100);

        await expect(client.get(key, { abortSignal })).resolves.toBeNull();
        await expect(client.setIfAbsent(key, data, { abortSignal, ttlMs: DAY_MS })).resolves.toBe(true);
        await expect(client.setIfAbsent(key, data, { abortSignal })).resolves.toBe(false);
        expectBytes(await client.get(key, { abortSignal }), data);
      });

      it('that aborts afterwards harms nothing', async () => {
        const controller = new AbortController();
        const key = newKey();
        await client.setIfAbsent(key, Buffer.from('value'), { abortSignal: controller.signal });
        await client.get(key, { abortSignal: controller.signal });

        controller.abort();

        expectBytes(await client.get(key), Buffer.from('value'));
      });
    });

    describe('a question whether a key exists', () => {
      it('is answered, and changes nothing', async () => {
        if (client.exists === undefined) return;
        const present = newKey();
        const absent = newKey();
        await backDoor.write(present, Buffer.from('value'), DAY_MS);

        await expect(client.exists(present)).resolves.toBe(true);
        await expect(client.exists(absent)).resolves.toBe(false);

        await expect(backDoor.read(absent)).resolves.toBeNull();
        expectBytes(await backDoor.read(present), Buffer.from('value'));
        await expect(backDoor.ttlMs(present)).resolves.toBeGreaterThan(DAY_MS - 60_000);
      });

      it('rejects with the reason of a signal that is aborted already', async () => {
        const reason = new Error('enough');
        await expect(
          client.exists?.(newKey(), { abortSignal: AbortSignal.abort(reason) }) ?? Promise.reject(reason),
        ).rejects.toBe(reason);
      });
    });

    it('describes itself in strings, if at all', () => {
      expect(Object.values(client.describe?.() ?? {}).filter((value) => typeof value !== 'string')).toEqual([]);
    });
  });
}

function newKey(): string {
  return `contract:${randomUUID()}`;
}

function expectBytes(actual: unknown, expected: Uint8Array): void {
  if (!isUint8Array(actual)) throw new TypeError(`Expected a Uint8Array, got ${String(actual)}`);
  expect(actual.byteLength).toBe(expected.byteLength);
  // A comparison by Jest would take minutes to tell 20 MiB apart.
  expect(Buffer.compare(actual, expected)).toBe(0);
}
