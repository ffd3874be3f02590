import { randomBytes } from 'node:crypto';
import { assertBytes, assertRoundTrip, createKey, type SubjectCase } from './subject';

const MIB = 1024 * 1024;
const SIZES = [0, 1, 2, 255, 256, 1023, 4096, 65_535, 65_536, MIB - 1, MIB + 1, 20 * MIB];

const TEXTS = [
  ['0', '-1', '007', '3.14', '1e3', '9007199254740993', 'NaN', 'Infinity'],
  ['null', 'undefined', 'true', 'false', 'nil', 'OK', 'QUEUED', 'PONG'],
  ['{"a":1}', '[1,2]', '""', '"quoted"', '{"result":"OK"}', '{"error":"no"}', 'eyJhIjoxfQ=='],
  ['$-1\r\n', '+OK\r\n', '-ERR no\r\n', ':1\r\n', '*0\r\n', '_\r\n', '$3\r\nabc\r\n', '\r\n', '\n', '\0'],
  [' padded ', '%2F', 'ünïcödé', '😀', '\ufeffmarked', '\ufffd'],
].flat();

const INVALID_UTF8 = {
  'bytes that never occur': [0xff, 0xfe, 0xc0, 0xc1],
  'a lone continuation byte': [0x80],
  'a truncated sequence': [0x61, 0xe2, 0x82],
  'a wrong continuation byte': [0xc3, 0x28],
  'an overlong encoding': [0xc0, 0xaf],
  'an encoded surrogate': [0xed, 0xa0, 0x80],
  'a UTF-16 byte order mark': [0xff, 0xfe, 0x41, 0x00],
};

/** Bytes come back exactly as they were stored. */
export const VALUE_CASES: SubjectCase[] = [
  {
    name: 'keeps all 256 byte values',
    run: (subject) =>
      assertRoundTrip(
        subject,
        createKey(),
        Uint8Array.from({ length: 256 }, (_, index) => index),
      ),
  },
  ...SIZES.map(
    (size) =>
      ({
        name: `keeps ${size} bytes`,
        run: (subject) => assertRoundTrip(subject, createKey(), randomBytes(size)),
      }) satisfies SubjectCase,
  ),
  ...TEXTS.map(
    (text) =>
      ({
        name: `keeps the bytes of ${JSON.stringify(text)}`,
        run: (subject) => assertRoundTrip(subject, createKey(), Buffer.from(text)),
      }) satisfies SubjectCase,
  ),
  ...Object.entries(INVALID_UTF8).map(
    ([name, bytes]) =>
      ({
        name: `keeps invalid UTF-8: ${name}`,
        run: (subject) => assertRoundTrip(subject, createKey(), Uint8Array.from(bytes)),
      }) satisfies SubjectCase,
  ),
  {
    name: 'stores only its part of a larger buffer, and leaves that buffer as it was',
    async run({ client, store }) {
      const whole = randomBytes(1000);
      const before = Buffer.from(whole);
      const key = createKey();
      await client.setIfAbsent(key, new Uint8Array(whole.buffer, whole.byteOffset + 100, 50));
      assertBytes(await store.read(key), before.subarray(100, 150));
      assertBytes(whole, before);
    },
  },
  {
    name: 'is unaffected by changes to an array after it was stored',
    async run({ client }) {
      const key = createKey();
      const data = Uint8Array.of(1, 2, 3);
      await client.setIfAbsent(key, data);
      data.fill(0);
      assertBytes(await client.get(key), Uint8Array.of(1, 2, 3));
    },
  },
  {
    name: 'is unaffected by changes to an array that was read',
    async run({ client }) {
      const key = createKey();
      await client.setIfAbsent(key, Uint8Array.of(1, 2, 3));
      (await client.get(key))?.fill(0);
      assertBytes(await client.get(key), Uint8Array.of(1, 2, 3));
    },
  },
  {
    name: 'reads a value that another client wrote',
    async run({ client, store }) {
      const key = createKey();
      const data = randomBytes(1000);
      await store.write(key, data);
      assertBytes(await client.get(key), data);
    },
  },
];
