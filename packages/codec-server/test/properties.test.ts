import assert from 'node:assert';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { decorateClient, parseKey, RedisStorageDriver } from '@temporal-redis-storage/core';
import { NodeRedisStorageDriverClient } from '@temporal-redis-storage/node-redis';
import { ExternalStorage } from '@temporalio/common';
import * as fc from 'fast-check';
import { createPayloadHandler, type PayloadHandler } from '../src';
import { RawConnection, startNodeServer, type NodeServer } from './node-server';
import { useRedisStorage } from './redis-storage';
import { reference, toBase64 } from './requests';

const storage = useRedisStorage();
/** Stands for all that Redis holds besides payloads. */
const SECRET = 'a-secret-of-another-application';
const PATHS = ['/decode', '/encode', '/download', '/decode?preserveStorageRefs=true'];

let handler: PayloadHandler;
let server: NodeServer;
let storedClaim: Record<string, unknown>;
const errors: unknown[] = [];
/** The keys that were read from Redis. */
const readKeys: string[] = [];

beforeAll(async () => {
  const client = new NodeRedisStorageDriverClient(storage.redis);
  const get: typeof client.get = async (key, options) => {
    readKeys.push(key);
    return client.get(key, options);
  };
  const driver = new RedisStorageDriver({ client: decorateClient(client, { get }) });
  handler = createPayloadHandler({
    dataConverter: {
      externalStorage: new ExternalStorage({ drivers: [driver], payloadSizeThreshold: 200 }),
      payloadCodecs: [{ encode: async (payloads) => payloads, decode: async (payloads) => payloads }],
    },
    onError: (error) => errors.push(error),
  });
  server = await startNodeServer(handler);
  await storage.redis.set('secret', SECRET);
  const { json } = await storage.store({ data: Buffer.from('"stored"') });
  const { claimData } = JSON.parse(Buffer.from(json.data!, 'base64').toString()) as {
    claimData: Record<string, unknown>;
  };
  storedClaim = claimData;
});

afterAll(async () => server?.stop());

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('__proto__', 'constructor', '', '\ud800'),
);
const base64 = fc.uint8Array().map(toBase64);
const metadata = fc.dictionary(
  text,
  fc.oneof({ weight: 9, arbitrary: base64 }, { weight: 1, arbitrary: fc.jsonValue() }),
);
const details = fc.oneof(
  fc.array(fc.record({ sizeBytes: fc.oneof(fc.bigInt().map(String), fc.double(), fc.string()) })),
  fc.array(fc.record({ size_bytes: fc.integer() })),
  fc.jsonValue(),
);

/** A claim with something wrong with it, most of the time. */
const claimData = fc.oneof(
  fc.constant(null).map(() => storedClaim),
  fc.record({ key: text, hash_value: text }).map((changes) => ({ ...storedClaim, ...changes })),
  fc
    .record({ key: fc.constantFrom('secret', 'x:secret', 'secret:v0') })
    .map((changes) => ({ ...storedClaim, ...changes })),
  fc.dictionary(text, fc.oneof(text, fc.jsonValue())),
);
const anyReference = fc.oneof(
  fc
    .tuple(fc.constantFrom('redis', 'redis', 'redis', 'other', ''), claimData)
    .map(([driverName, claim]) => reference(driverName, claim)),
  fc.oneof(text, fc.json()).map((data) => ({ ...reference('redis', {}), data: toBase64(data) })),
);

const payload = fc.oneof(
  fc.record({ metadata, data: base64, externalPayloads: details }, { requiredKeys: [] }),
  fc.record(
    { metadata, data: fc.jsonValue(), external_payloads: details, other: fc.jsonValue() },
    { requiredKeys: [] },
  ),
  anyReference,
);

const body = fc.oneof(
  { weight: 6, arbitrary: fc.array(payload).map((payloads) => JSON.stringify({ payloads })) },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.jsonValue().map((payloads) => JSON.stringify({ payloads })) },
  { weight: 1, arbitrary: fc.uint8Array() },
  // A body that is cut off, or goes on after its end.
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.array(payload), fc.nat(200), text)
      .map(([payloads, end, more]) => JSON.stringify({ payloads }).slice(0, end) + more),
  },
);

const headerName = fc.constantFrom('origin', 'x-namespace', 'content-type', 'authorization', 'cookie', 'x-other');
const headerValue = fc
  .oneof(fc.string(), fc.constantFrom('http://localhost:8233', 'null', '*'))
  .map((value) => value.trim());
const headers = fc.dictionary(headerName, headerValue);

const STATUSES = [200, 204, 400, 403, 404, 405, 410, 413, 422];

async function check(response: Response, sent: string): Promise<void> {
  assert(STATUSES.includes(response.status), `status ${response.status}`);
  const answer = await response.text();
  assert(!answer.includes(SECRET) && !answer.includes(toBase64(SECRET)));
  if (response.status === 204) return;
  const json = JSON.parse(answer) as { payloads?: object[]; message?: string };
  if (response.status !== 200) {
    assert.deepEqual(Object.keys(json), ['message']);
    return;
  }
  const { payloads } = JSON.parse(sent) as { payloads?: unknown[] | null };
  assert.equal(json.payloads?.length, payloads?.length ?? 0);
  const fields = new Set(json.payloads?.flatMap((each) => Object.keys(each)));
  for (const field of ['metadata', 'data', 'externalPayloads']) fields.delete(field);
  assert.deepEqual([...fields], []);
}

function toChunk(piece: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]);
}

describe('the codec server on any input', () => {
  it('answers any body with payloads as many as there were, or with a 4xx and a message', async () => {
    await expect(
      fc.assert(
        fc.asyncProperty(fc.constantFrom(...PATHS), body, headers, async (path, content, fields) => {
          const request = new Request(`http://localhost${path}`, { method: 'POST', body: content, headers: fields });
          await check(await handler(request), Buffer.from(content as string).toString());
        }),
        { numRuns: 2000 },
      ),
    ).resolves.toBeUndefined();
    // Whatever goes wrong was foreseen: the driver's refusals alone are reported.
    expect(errors.filter((error) => !['ValueError', 'ApplicationFailure'].includes((error as Error).name))).toEqual([]);
  });

  it('gives the same answers over node:http, and its connections stay usable', async () => {
    await expect(
      fc.assert(
        fc.asyncProperty(fc.constantFrom(...PATHS), body, async (path, content) => {
          const response = await fetch(`${server.url}${path}`, { method: 'POST', body: content });
          await check(response, Buffer.from(content as string).toString());
        }),
        { numRuns: 300 },
      ),
    ).resolves.toBeUndefined();
  });

  it('survives bodies that arrive in any pieces, or are cut off anywhere', async () => {
    const [chunkSizes, cut] = [fc.array(fc.nat(200)), fc.option(fc.nat(300), { freq: 1 })];
    await expect(
      fc.assert(
        fc.asyncProperty(body, chunkSizes, cut, fc.boolean(), async (content, sizes, end, isChunked) => {
          const bytes = Buffer.from(content as string);
          const connection = await RawConnection.open(server.port);
          const socket = connection.socket.setNoDelay(true);
          const length = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${bytes.length}`;
          socket.write(`POST /decode HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${length}\r\n\r\n`);
          let start = 0;
          for (const size of [...sizes, bytes.length]) {
            const piece = bytes.subarray(start, Math.min(start + size, end ?? Infinity));
            start += size;
            if (piece.length === 0) continue;
            socket.write(isChunked ? toChunk(piece) : piece);
            await nextTurn();
          }
          if (end !== null && end < bytes.length) {
            socket.destroy();
          } else {
            if (isChunked) socket.write('0\r\n\r\n');
            const request = new Request('http://localhost/decode', { method: 'POST', body: content });
            const { status } = await handler(request);
            const answer = await connection.receive(/\r\n\r\n/);
            assert(answer.startsWith(`HTTP/1.1 ${status} `), `${answer.slice(0, 12)} in the place of ${status}`);
          }
          await connection.closed;
        }),
        { numRuns: 300 },
      ),
    ).resolves.toBeUndefined();
    expect((await fetch(`${server.url}/decode`, { method: 'POST', body: '{}' })).status).toBe(200);
  });

  it('answers any path and method', async () => {
    const path = fc.oneof(
      fc.webPath(),
      fc.webUrl().map((url) => `/${url}`),
      fc.constantFrom('/decode', '//decode', '/a/b/download'),
    );
    const method = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PURGE');
    await expect(
      fc.assert(
        fc.asyncProperty(path, method, async (url, name) => {
          const response = await fetch(server.url + (url.startsWith('/') ? url : `/${url}`), { method: name });
          assert([204, 400, 404, 405].includes(response.status), `status ${response.status}`);
          await response.arrayBuffer();
        }),
        { numRuns: 300 },
      ),
    ).resolves.toBeUndefined();
  });

  it('retrieves only payloads, whatever claims say', async () => {
    await expect(
      fc.assert(
        fc.asyncProperty(fc.array(anyReference, { maxLength: 5 }), async (payloads) => {
          const content = JSON.stringify({ payloads });
          const response = await handler(new Request('http://localhost/decode', { method: 'POST', body: content }));
          const answer = (await response.json()) as { payloads: { data?: string }[] };
          for (const [index, each] of answer.payloads.entries()) {
            const expected = [toBase64('"stored"'), payloads[index]!.data ?? ''];
            assert(expected.includes(each.data ?? ''), 'neither what was stored nor the reference as it came');
          }
        }),
        { numRuns: 500 },
      ),
    ).resolves.toBeUndefined();
    expect(readKeys.length).toBeGreaterThan(20);
    expect(readKeys.filter((key) => parseKey(key) === undefined)).toEqual([]);
  });

  it('brings back any payloads that it has encoded', async () => {
    const anyPayload = fc.record({ metadata: fc.dictionary(fc.string(), base64), data: base64 });
    await expect(
      fc.assert(
        fc.asyncProperty(fc.array(anyPayload), async (payloads) => {
          const run = async (path: string, content: object): Promise<{ payloads: object[] }> => {
            const request = new Request(`http://localhost${path}`, { method: 'POST', body: JSON.stringify(content) });
            return (await (await handler(request)).json()) as { payloads: object[] };
          };
          const decoded = await run('/decode', await run('/encode', { payloads }));
          assert.deepEqual(
            decoded.payloads,
            payloads.map((each) => ({
              ...(Object.keys(each.metadata).length > 0 && { metadata: each.metadata }),
              ...(each.data !== '' && { data: each.data }),
            })),
          );
        }),
        { numRuns: 200 },
      ),
    ).resolves.toBeUndefined();
  });
});
