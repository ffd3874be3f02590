import { randomBytes, randomUUID } from 'node:crypto';
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import { NodeRedisStorageDriverClient } from '@temporal-redis-storage/node-redis';
import { ExternalStorage, type Payload, type StorageDriver } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { createPayloadHandler, type PayloadHandlerOptions } from '../src';
import { useRedisStorage } from './redis-storage';
import { fromBase64, plain, post, reference, toBase64, type JsonPayload } from './requests';
import { XorCodec } from './xor-codec';

const storage = useRedisStorage();

function json(value: unknown): Payload {
  return { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from(JSON.stringify(value)) };
}

function createHandler(options: Partial<PayloadHandlerOptions> = {}) {
  const errors: unknown[] = [];
  const handler = createPayloadHandler({
    dataConverter: { externalStorage: storage.externalStorage },
    onError: (error) => errors.push(error),
    ...options,
  });
  return { handler, errors };
}

/** A driver that does what a test says, and otherwise fails. */
function createDriver(methods: Partial<StorageDriver>): ExternalStorage {
  const fail = async (): Promise<never> => {
    throw new Error('content-of-a-payload');
  };
  const driver = { name: 'test', type: 'test', store: fail, retrieve: fail, ...methods };
  return new ExternalStorage({ drivers: [driver], payloadSizeThreshold: 0 });
}

describe('POST /decode', () => {
  it('leaves references as they are if they are to be preserved', async () => {
    const { json: stored } = await storage.store(json('secret'));
    const read = jest.spyOn(storage.driver, 'retrieve');
    const answer = await post(createHandler().handler, '/decode?preserveStorageRefs=true', {
      payloads: [stored, plain('inline')],
    });
    expect(answer.status).toBe(200);
    expect(answer.payloads).toEqual([stored, plain('inline')]);
    expect(read).not.toHaveBeenCalled();
    read.mockRestore();
  });

  it.each(['', '?preserveStorageRefs=false'])('retrieves references with the query "%s", in order', async (query) => {
    const [first, second] = await Promise.all([storage.store(json('first')), storage.store(json('second'))]);
    const payloads = [first.json, plain('inline'), second.json];
    const answer = await post(createHandler().handler, `/some/prefix/decode${query}`, { payloads });
    expect(answer.payloads).toEqual([plain('first'), plain('inline'), plain('second')]);
  });

  it('keeps the reference of a lost payload in its place, retrieves the others, and reports the loss', async () => {
    const [lost, kept] = await Promise.all([storage.store(json('lost')), storage.store(json('kept'))]);
    await storage.redis.del(lost.key);
    const { handler, errors } = createHandler();
    const answer = await post(handler, '/decode', { payloads: [lost.json, kept.json] });
    expect(answer.status).toBe(200);
    expect(answer.payloads).toEqual([lost.json, plain('kept')]);
    expect(errors).toEqual([expect.objectContaining({ type: 'PayloadNotFoundError' })]);
  });

  it.each<[string, JsonPayload]>([
    ['of a driver that is not registered', reference('elsewhere', { key: 'v0' })],
    ['whose data is not JSON', { ...reference('redis', {}), data: toBase64('{') }],
    ['whose data is missing', { metadata: reference('redis', {}).metadata! }],
    ['whose claim is no map of texts', reference('redis', { key: 1 })],
    ['whose claim is huge', reference('redis', { key: 'k'.repeat(100_000) })],
  ])('keeps a reference %s in its place', async (_title, payload) => {
    const answer = await post(createHandler().handler, '/decode', { payloads: [payload, plain('inline')] });
    expect(answer.status).toBe(200);
    expect(answer.payloads).toEqual([payload, plain('inline')]);
  });

  it('undoes codecs, the last first, also of payloads that were retrieved', async () => {
    const [inner, outer] = [new XorCodec(1), new XorCodec(2)];
    const encoded = await outer.encode(await inner.encode([json('secret')]));
    const stored = await storage.store(encoded[0]!);
    const { handler } = createHandler({
      dataConverter: { externalStorage: storage.externalStorage, payloadCodecs: [inner, outer] },
    });
    const inline = {
      metadata: { encoding: toBase64('binary/xor-2') },
      data: toBase64(encoded[0]!.data!),
    };
    const answer = await post(handler, '/decode', { payloads: [stored.json, inline] });
    expect(answer.payloads).toEqual([plain('secret'), plain('secret')]);
    expect(inner.decoded).toEqual([2]);
    const preserved = await post(handler, '/decode?preserveStorageRefs=true', { payloads: [stored.json, inline] });
    expect(preserved.payloads).toEqual([stored.json, plain('secret')]);
  });

  it('keeps what codecs cannot decode in its place, and decodes the rest', async () => {
    const codec = new XorCodec(1);
    const [known] = await codec.encode([json('known')]);
    const unknown = { metadata: { encoding: toBase64('binary/xor-9') }, data: toBase64('?') };
    const stored = await storage.store((await new XorCodec(9).encode([json('other key')]))[0]!);
    const { handler, errors } = createHandler({
      dataConverter: { externalStorage: storage.externalStorage, payloadCodecs: [codec] },
    });
    const answer = await post(handler, '/decode', {
      payloads: [
        unknown,
        { metadata: { encoding: toBase64('binary/xor-1') }, data: toBase64(known!.data!) },
        stored.json,
      ],
    });
    expect(answer.status).toBe(200);
    expect(answer.payloads).toEqual([unknown, plain('known'), stored.json]);
    expect(errors).toEqual([new Error('No key for binary/xor-9'), new Error('No key for binary/xor-9')]);
  });

  it('answers 422 if codecs can decode nothing', async () => {
    const { handler, errors } = createHandler({ dataConverter: { payloadCodecs: [new XorCodec(1)] } });
    const unknown = { metadata: { encoding: toBase64('binary/xor-9') }, data: toBase64('?') };
    const answer = await post(handler, '/decode', { payloads: [unknown] });
    expect(answer).toMatchObject({ status: 422, message: expect.stringContaining('payloadCodecs') });
    expect(errors).toHaveLength(1);
  });

  it('reports a codec that returns too few payloads', async () => {
    const codec = { encode: async () => [], decode: async () => [] };
    const { handler, errors } = createHandler({ dataConverter: { payloadCodecs: [codec] } });
    expect(await post(handler, '/decode', { payloads: [plain('a')] })).toMatchObject({ status: 422 });
    expect(await post(handler, '/encode', { payloads: [plain('a')] })).toMatchObject({ status: 422 });
    expect(errors).toHaveLength(2);
  });

  it('answers an empty list for one', async () => {
    const { handler } = createHandler();
    for (const body of [{}, { payloads: [] }, { payloads: null }]) {
      expect(await post(handler, '/decode', body)).toMatchObject({ status: 200, payloads: [] });
    }
  });

  it('retrieves ten thousand references of one request', async () => {
    const stored = await Promise.all(Array.from({ length: 10 }, (_, index) => storage.store(json(`payload ${index}`))));
    const lost = await storage.store(json('lost'));
    await storage.redis.del(lost.key);
    const payloads = Array.from({ length: 10_000 }, (_, index) =>
      index % 1000 === 999 ? lost.json : stored[index % 10]!.json,
    );
    const { handler, errors } = createHandler();
    const answer = await post(handler, '/decode', { payloads });
    expect(answer.payloads).toHaveLength(10_000);
    expect(answer.payloads[9_998]).toEqual(plain('payload 8'));
    expect(answer.payloads.filter(({ externalPayloads }) => externalPayloads)).toHaveLength(10);
    expect(errors).toHaveLength(10);
  });

  it('leaves references in place beyond maxResponseBytes', async () => {
    const stored = await Promise.all(['a', 'b', 'c'].map((name) => storage.store(json(name.repeat(1000)))));
    const { handler } = createHandler({ maxResponseBytes: 2100 });
    const payloads = stored.map(({ json: each }) => each);
    const answer = await post(handler, '/decode', { payloads });
    expect(answer.status).toBe(200);
    expect(answer.payloads.filter(({ externalPayloads }) => externalPayloads)).toHaveLength(1);
    expect(await post(handler, '/download', { payloads })).toMatchObject({
      status: 413,
      message: expect.stringContaining('maxResponseBytes'),
    });
  });
});

describe('POST /download', () => {
  it('retrieves payloads and undoes codecs', async () => {
    const codec = new XorCodec(1);
    const stored = await storage.store((await codec.encode([json('secret')]))[0]!);
    const { handler } = createHandler({
      dataConverter: { externalStorage: storage.externalStorage, payloadCodecs: [codec] },
    });
    const answer = await post(handler, '/download?preserveStorageRefs=true', { payloads: [stored.json] });
    expect(answer).toMatchObject({ status: 200, payloads: [plain('secret')] });
  });

  it('answers a large payload byte for byte', async () => {
    const data = randomBytes(5_000_000);
    const stored = await storage.store({ metadata: { encoding: Buffer.from('binary/plain') }, data });
    const answer = await post(createHandler().handler, '/download', { payloads: [stored.json] });
    expect(Buffer.from(answer.payloads[0]!.data!, 'base64').equals(data)).toBe(true);
  });

  it('answers 410 for a lost payload, and neither 404 nor its key', async () => {
    const { json: stored, key } = await storage.store(json('lost'));
    await storage.redis.del(key);
    const { handler, errors } = createHandler();
    const answer = await post(handler, '/download', { payloads: [stored] });
    expect(answer).toMatchObject({ status: 410, message: expect.stringContaining("'redis'") });
    expect(answer.message).not.toContain(key);
    expect(errors).toEqual([expect.objectContaining({ type: 'PayloadNotFoundError' })]);
  });

  it('answers 422 for a payload that was changed in Redis, without its content', async () => {
    const { json: stored, key } = await storage.store(json('content-of-a-payload'));
    await storage.redis.setRange(key, 30, 'X');
    const answer = await post(createHandler().handler, '/download', { payloads: [stored] });
    expect(answer).toMatchObject({ status: 422, message: expect.stringContaining('differs') });
    expect(answer.message).not.toContain('content');
  });

  it('answers 422 for a key outside the key format, and reads nothing', async () => {
    const key = `session:${randomUUID()}`;
    await storage.redis.set(key, 'secret');
    const sent = jest.spyOn(storage.redis, 'sendCommand');
    const forged = reference('redis', { key, hash_algorithm: 'sha256', hash_value: '0'.repeat(64), size: '6' });
    const answer = await post(createHandler().handler, '/download', { payloads: [forged] });
    expect(answer.status).toBe(422);
    expect(answer.message).not.toContain('secret');
    expect(sent).not.toHaveBeenCalled();
    sent.mockRestore();
  });

  it('answers 422 for a driver that is not registered', async () => {
    const answer = await post(createHandler().handler, '/download', { payloads: [reference('elsewhere', {})] });
    expect(answer).toMatchObject({ status: 422, message: expect.stringContaining('does not have') });
  });

  it.each<[string, JsonPayload]>([
    ['is no reference', plain('inline')],
    ['is empty', {}],
    ['is a reference without data', { metadata: reference('redis', {}).metadata! }],
    ['is a reference without a driver', reference('', {})],
    ['is a reference whose data is a list', { ...reference('redis', {}), data: toBase64('[]') }],
    ['is a reference whose data is null', { ...reference('redis', {}), data: toBase64('null') }],
    [
      'is a reference whose claim is a list',
      { ...reference('redis', {}), data: toBase64('{"driverName":"redis","claimData":[]}') },
    ],
    ['is a reference whose data is not UTF-8', { ...reference('redis', {}), data: '/w==' }],
  ])('answers 400 for a payload that %s', async (_title, payload) => {
    const stored = await storage.store(json('fine'));
    const answer = await post(createHandler().handler, '/download', { payloads: [stored.json, payload] });
    expect(answer).toMatchObject({ status: 400, message: expect.stringContaining('payloads[1]') });
  });

  it('reads references whose fields are in snake case', async () => {
    const stored = await storage.store(json('fine'));
    const { driverName, claimData } = JSON.parse(fromBase64(stored.json.data)) as Record<string, unknown>;
    const data = toBase64(JSON.stringify({ driver_name: driverName, claim_data: claimData }));
    const answer = await post(createHandler().handler, '/download', { payloads: [{ ...stored.json, data }] });
    expect(answer).toMatchObject({ status: 200, payloads: [plain('fine')] });
  });

  it('answers 404 without externalStorage, which the Web UI shows as not configured', async () => {
    const { handler } = createHandler({ dataConverter: { payloadCodecs: [new XorCodec(1)] } });
    const answer = await post(handler, '/download', { payloads: [reference('redis', {})] });
    expect(answer).toMatchObject({ status: 404, message: expect.stringContaining('externalStorage') });
  });

  it('answers 422 for a payload that codecs cannot decode', async () => {
    const stored = await storage.store((await new XorCodec(9).encode([json('other key')]))[0]!);
    const { handler } = createHandler({
      dataConverter: { externalStorage: storage.externalStorage, payloadCodecs: [new XorCodec(1)] },
    });
    expect(await post(handler, '/download', { payloads: [stored.json] })).toMatchObject({
      status: 422,
      message: expect.stringContaining('payloadCodecs'),
    });
  });

  it("answers 502 if Redis can't be reached, and gives the reason to onError alone", async () => {
    const stored = await storage.store(json('fine'));
    const driver = new RedisStorageDriver({
      client: new NodeRedisStorageDriverClient(storage.redis),
      requestTimeout: 100,
    });
    await storage.redis.sendCommand(['CLIENT', 'PAUSE', '500', 'ALL']);
    const { handler, errors } = createHandler({
      dataConverter: { externalStorage: new ExternalStorage({ drivers: [driver] }) },
    });
    const answer = await post(handler, '/download', { payloads: [stored.json] });
    expect(answer).toMatchObject({ status: 502, message: expect.stringContaining("'redis'") });
    expect(answer.message).not.toContain('127.0.0.1');
    expect(errors).toEqual([expect.objectContaining({ name: 'RedisStorageDriverError' })]);
  });

  it.each<[string, number, unknown]>([
    ['502 for an error of another kind', 502, new Error('content-of-a-payload')],
    ['502 for a rejection without an error', 502, undefined],
    ['410 for an object that S3 does not have', 410, new Error('failed', { cause: { name: 'NoSuchKey' } })],
    ['410 for an object that Google Cloud Storage does not have', 410, new Error('failed', { cause: { code: 404 } })],
    ['502 for a bucket that S3 does not have', 502, { name: 'NoSuchBucket', $metadata: { httpStatusCode: 404 } }],
    [
      "422 for a ValueError of another SDK's",
      422,
      Object.assign(new Error('content-of-a-payload'), { name: 'ValueError' }),
    ],
    [
      '410 for an error that the SDK has wrapped',
      410,
      Object.assign(new Error('failed'), { cause: Object.assign(new Error('gone'), { type: 'PayloadNotFoundError' }) }),
    ],
  ])('answers %s of the driver, without its words', async (_title, status, error) => {
    const externalStorage = createDriver({
      retrieve: async () => {
        throw error;
      },
    });
    const { handler } = createHandler({ dataConverter: { externalStorage } });
    const answer = await post(handler, '/download', { payloads: [reference('test', {})] });
    expect(answer.status).toBe(status);
    expect(answer.message).not.toContain('content');
  });

  it('answers 502 for a driver that returns no payload', async () => {
    const { handler } = createHandler({
      dataConverter: { externalStorage: createDriver({ retrieve: async () => [] }) },
    });
    expect(await post(handler, '/download', { payloads: [reference('test', {})] })).toMatchObject({ status: 502 });
  });

  it('starts no further reads after the first failure', async () => {
    const retrieve = jest.fn(async (): Promise<Payload[]> => {
      throw new Error('unreachable');
    });
    const { handler } = createHandler({ dataConverter: { externalStorage: createDriver({ retrieve }) } });
    const payloads = Array.from({ length: 1000 }, () => reference('test', {}));
    expect(await post(handler, '/download', { payloads })).toMatchObject({ status: 502 });
    expect(retrieve.mock.calls.length).toBeLessThanOrEqual(8);
  });
});

describe('POST /encode', () => {
  it('stores what is over the threshold, and /decode brings it back', async () => {
    const { handler } = createHandler();
    const large = plain('x'.repeat(400_000));
    const encoded = await post(handler, '/encode', { payloads: [plain('small'), large] });
    expect(encoded.payloads[0]).toEqual(plain('small'));
    expect(encoded.payloads[1]!.externalPayloads).toEqual([{ sizeBytes: '400030' }]);
    expect(await post(handler, '/decode', { payloads: encoded.payloads })).toMatchObject({
      status: 200,
      payloads: [plain('small'), large],
    });
  });

  it('applies codecs before it stores', async () => {
    const codec = new XorCodec(1);
    const { handler } = createHandler({
      dataConverter: { externalStorage: storage.externalStorage, payloadCodecs: [codec] },
    });
    const large = plain('x'.repeat(2000));
    const encoded = await post(handler, '/encode', { payloads: [large] });
    const { claimData } = JSON.parse(fromBase64(encoded.payloads[0]!.data)) as { claimData: { key: string } };
    expect(await storage.redis.get(claimData.key)).toContain('binary/xor-1');
    expect(await post(handler, '/decode', { payloads: encoded.payloads })).toMatchObject({ payloads: [large] });
  });

  it('leaves references as they are', async () => {
    const { handler } = createHandler({
      dataConverter: {
        externalStorage: new ExternalStorage({ drivers: [storage.driver], payloadSizeThreshold: 0 }),
        payloadCodecs: [new XorCodec(1)],
      },
    });
    const { json: stored } = await storage.store(json('fine'));
    expect(await post(handler, '/encode', { payloads: [stored] })).toMatchObject({ payloads: [stored] });
  });

  it('counts the threshold as the SDK does, to the byte', async () => {
    const handlerAt = (payloadSizeThreshold: number) =>
      createHandler({
        dataConverter: { externalStorage: new ExternalStorage({ drivers: [storage.driver], payloadSizeThreshold }) },
      }).handler;
    for (const length of [100, 125, 126, 1000, 16_381, 16_382, 20_000]) {
      const text = 'x'.repeat(length);
      const size = temporal.api.common.v1.Payload.encode(json(text)).finish().length;
      const over = await post(handlerAt(size), '/encode', { payloads: [plain(text)] });
      expect(over.payloads[0]!.externalPayloads).toEqual([{ sizeBytes: String(size) }]);
      const under = await post(handlerAt(size + 1), '/encode', { payloads: [plain(text)] });
      expect(under.payloads).toEqual([plain(text)]);
    }
  });

  it('keeps inline what the selector keeps inline', async () => {
    const externalStorage = new ExternalStorage({
      drivers: [storage.driver],
      driverSelector: () => null,
      payloadSizeThreshold: 0,
    });
    const { handler } = createHandler({ dataConverter: { externalStorage } });
    expect(await post(handler, '/encode', { payloads: [plain('a')] })).toMatchObject({ payloads: [plain('a')] });
  });

  it('answers 500 if the selector picks a driver that is not registered', async () => {
    const externalStorage = new ExternalStorage({
      drivers: [storage.driver],
      driverSelector: () => createDriver({}).drivers[0]!,
      payloadSizeThreshold: 0,
    });
    const { handler, errors } = createHandler({ dataConverter: { externalStorage } });
    expect(await post(handler, '/encode', { payloads: [plain('a')] })).toMatchObject({ status: 500 });
    expect(errors).toEqual([expect.objectContaining({ message: expect.stringContaining("'test'") })]);
  });

  it.each<[string, number, unknown]>([
    [
      '413 if a payload is too large for the driver',
      413,
      'Payload size 9 bytes exceeds the configured maxPayloadSize of 8 bytes',
    ],
    ['422 if the driver rejects a payload', 422, 'content-of-a-payload'],
  ])('answers %s', async (_title, status, message) => {
    const externalStorage = createDriver({
      store: async () => {
        throw Object.assign(new Error(String(message)), { name: 'ValueError' });
      },
    });
    const { handler, errors } = createHandler({ dataConverter: { externalStorage } });
    const answer = await post(handler, '/encode', { payloads: [plain('a')] });
    expect(answer.status).toBe(status);
    expect(answer.message).not.toContain('content');
    expect(errors).toHaveLength(1);
  });

  it.each<[string, Partial<StorageDriver>]>([
    ['fails', {}],
    ['returns too few claims', { store: async () => [] }],
  ])('answers 502 if the driver %s', async (_title, methods) => {
    const { handler } = createHandler({ dataConverter: { externalStorage: createDriver(methods) } });
    const answer = await post(handler, '/encode', { payloads: [plain('a')] });
    expect(answer.status).toBe(502);
    expect(answer.message).not.toContain('content');
  });
});

describe('authorize', () => {
  it('gets the request, and decides on it', async () => {
    const { handler } = createHandler({
      authorize: async (request) => request.headers.get('authorization') === 'Bearer token',
    });
    const refused = await post(handler, '/decode', { payloads: [] });
    expect(refused).toMatchObject({ status: 401, message: expect.stringContaining('authorization') });
    expect(refused.headers.get('www-authenticate')).toBe('Bearer');
    const accepted = await post(handler, '/decode', { payloads: [] }, { Authorization: 'Bearer token' });
    expect(accepted.status).toBe(200);
  });

  it('refuses if it rejects, and gives the reason to onError alone', async () => {
    const { handler, errors } = createHandler({
      authorize: async () => {
        throw new Error('token expired');
      },
    });
    const answer = await post(handler, '/decode', { payloads: [] });
    expect(answer.status).toBe(401);
    expect(answer.message).not.toContain('expired');
    expect(errors).toEqual([new Error('token expired')]);
  });

  it('must leave the body alone', async () => {
    const { handler } = createHandler({ authorize: async (request) => (await request.text()) !== '' });
    expect(await post(handler, '/decode', { payloads: [] })).toMatchObject({
      status: 500,
      message: expect.stringContaining('authorize'),
    });
  });
});

describe('authorizeReference', () => {
  it('gets driver, claim, namespace and request, and decides on each reference', async () => {
    const mine = await storage.store(json('mine'), 'mine');
    const other = await storage.store(json('other'), 'other');
    const { handler } = createHandler({
      authorizeReference: ({ driverName, claim, namespace, request }) =>
        driverName === 'redis' && request.method === 'POST' && claim.claimData['key']!.includes(`:ns:${namespace}:`),
    });
    const headers = { 'X-Namespace': 'mine' };
    const decoded = await post(handler, '/decode', { payloads: [other.json, mine.json] }, headers);
    expect(decoded).toMatchObject({ status: 200, payloads: [other.json, plain('mine')] });
    expect(await post(handler, '/download', { payloads: [other.json] }, headers)).toMatchObject({ status: 403 });
    expect(await post(handler, '/download', { payloads: [mine.json] }, headers)).toMatchObject({ status: 200 });
    expect(await post(handler, '/download', { payloads: [mine.json] })).toMatchObject({ status: 403 });
  });

  it('refuses if it rejects, reads nothing, and gives the reason to onError alone', async () => {
    const { json: stored } = await storage.store(json('fine'));
    const { handler, errors } = createHandler({
      authorizeReference: () => {
        throw new Error('unknown namespace');
      },
    });
    const read = jest.spyOn(storage.driver, 'retrieve');
    const answer = await post(handler, '/download', { payloads: [stored] });
    expect(answer.status).toBe(403);
    expect(answer.message).not.toContain('unknown');
    expect(errors).toEqual([new Error('unknown namespace')]);
    expect(read).not.toHaveBeenCalled();
    read.mockRestore();
  });
});

describe('onError', () => {
  it('may throw without harm', async () => {
    const { handler } = createHandler({
      dataConverter: { externalStorage: createDriver({}) },
      onError: () => {
        throw new Error('the log is full');
      },
    });
    expect(await post(handler, '/download', { payloads: [reference('test', {})] })).toMatchObject({ status: 502 });
  });
});
