import { JSONToPayload, payloadToJSON } from '@temporalio/common/lib/proto-utils';
import type { Payload } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { createPayloadHandler } from '../src';
import { parsePayloads } from '../src/payload-parser';
import { writePayloads } from '../src/payload-writer';
import { post, reference, toBase64 } from './requests';

const identity = createPayloadHandler({
  dataConverter: { payloadCodecs: [{ encode: async (payloads) => payloads, decode: async (payloads) => payloads }] },
});

/** What Temporal's CLI posts: Go's JSON of the structs, with fields in snake case and sizes as numbers. */
const CLI_BODY =
  '{"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"ImhpIg=="},{"metadata":{"encoding":"anNvbi9wcm90b2J1Zg==","messageType":"dGVtcG9yYWwuYXBpLnNkay52MS5FeHRlcm5hbFN0b3JhZ2VSZWZlcmVuY2U="},"data":"eyJkcml2ZXJOYW1lIjoicmVkaXMiLCJjbGFpbURhdGEiOnsia2V5IjoiayJ9fQ==","external_payloads":[{"size_bytes":400123}]},{},{"metadata":{"encoding":"YmluYXJ5L251bGw="}}]}';

/** The same payloads as Go's protojson writes them, which is what the CLI expects as the answer. */
const PROTO_JSON_BODY =
  '{"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="}, "data":"ImhpIg=="}, {"metadata":{"encoding":"anNvbi9wcm90b2J1Zg==", "messageType":"dGVtcG9yYWwuYXBpLnNkay52MS5FeHRlcm5hbFN0b3JhZ2VSZWZlcmVuY2U="}, "data":"eyJkcml2ZXJOYW1lIjoicmVkaXMiLCJjbGFpbURhdGEiOnsia2V5IjoiayJ9fQ==", "externalPayloads":[{"sizeBytes":"400123"}]}, {}, {"metadata":{"encoding":"YmluYXJ5L251bGw="}}]}';

async function write(payloads: Payload[]): Promise<string> {
  return new Response(writePayloads(payloads)).text();
}

describe('JSON of payloads', () => {
  it.each([
    ["Temporal's CLI", CLI_BODY],
    ['protojson', PROTO_JSON_BODY],
  ])('is read in the form of %s, and answered in strict proto JSON', async (_title, body) => {
    for (const path of ['/decode?preserveStorageRefs=true', '/encode']) {
      const answer = await post(identity, path, body);
      expect(answer.payloads).toEqual((JSON.parse(PROTO_JSON_BODY) as { payloads: unknown }).payloads);
    }
  });

  it("is the same as the SDK's", async () => {
    const payloads: Payload[] = [
      {},
      { metadata: {} },
      {
        metadata: { encoding: Buffer.from('json/plain'), empty: new Uint8Array() },
        data: Buffer.from([0, 255, 62, 63]),
      },
      { metadata: { '': Buffer.from('x'), 'quote"\n': Buffer.from('y'), ключ: Buffer.from('z') } },
      {
        externalPayloads: [
          temporal.api.common.v1.Payload.ExternalPayloadDetails.fromObject({ sizeBytes: '9007199254740993' }),
        ],
      },
    ];
    const { payloads: written } = JSON.parse(await write(payloads)) as { payloads: Record<string, unknown>[] };
    for (const [index, payload] of payloads.entries()) {
      const ours = JSONToPayload(written[index]!);
      expect(temporal.api.common.v1.Payload.encode(ours).finish()).toEqual(
        temporal.api.common.v1.Payload.encode(payload).finish(),
      );
      const [parsed] = await parsePayloads({ value: { payloads: [payloadToJSON(payload)] }, expand: (text) => [text] });
      expect(await write([parsed!])).toBe(await write([JSONToPayload(payloadToJSON(payload))]));
    }
  });

  it('takes base64 with or without padding, in both alphabets', async () => {
    for (const data of ['+/8=', '+/8', '-_8=', '-_8']) {
      const answer = await post(identity, '/encode', { payloads: [{ data }] });
      expect(answer.payloads).toEqual([{ data: '+/8=' }]);
    }
  });

  it('keeps names that JavaScript objects inherit, and sizes beyond those of numbers', async () => {
    const body =
      '{"payloads":[{"metadata":{"__proto__":"eA==","constructor":"eQ=="},"externalPayloads":[{"sizeBytes":"9223372036854775807"}]}]}';
    const response = await identity(new Request('http://localhost/encode', { method: 'POST', body }));
    expect(await response.text()).toBe(body);
  });

  it('ignores fields that it does not know, and takes null for the default', async () => {
    const payload = { metadata: null, data: null, externalPayloads: null, later: { a: [1] } };
    expect(await post(identity, '/encode', { payloads: [payload], later: 1 })).toMatchObject({
      status: 200,
      payloads: [{}],
    });
  });

  it.each<[string, unknown]>([
    ['no JSON', '{"payloads":'],
    ['nothing', ''],
    ['null', 'null'],
    ['a text', '"payloads"'],
    ['a list', '[]'],
    ['payloads that are no list', { payloads: {} }],
    ['a payload that is null', { payloads: [null] }],
    ['a payload that is a text', { payloads: ['a'] }],
    ['metadata that is a list', { payloads: [{ metadata: [] }] }],
    ['metadata that is a text', { payloads: [{ metadata: 'a' }] }],
    ['a value of metadata that is null', { payloads: [{ metadata: { a: null } }] }],
    ['a value of metadata that is not base64', { payloads: [{ metadata: { a: '*' } }] }],
    ['a name of metadata that is not Unicode', '{"payloads":[{"metadata":{"\\ud800":""}}]}'],
    ['data that is a number', { payloads: [{ data: 1 }] }],
    ['data that is not base64', { payloads: [{ data: 'a b=' }] }],
    ['data of an impossible length', { payloads: [{ data: 'abcde' }] }],
    ['data with padding too short', { payloads: [{ data: 'YQ=' }] }],
    ['data with padding in the middle', { payloads: [{ data: 'YQ==YQ==' }] }],
    ['details that are no list', { payloads: [{ externalPayloads: {} }] }],
    ['details that are null', { payloads: [{ externalPayloads: [null] }] }],
    ['a size that is a fraction', { payloads: [{ externalPayloads: [{ sizeBytes: 1.5 }] }] }],
    ['a size that is a word', { payloads: [{ externalPayloads: [{ sizeBytes: 'x' }] }] }],
    ['a size beyond 64 bits', { payloads: [{ externalPayloads: [{ sizeBytes: '9223372036854775808' }] }] }],
  ])('is refused with 400 and a message if the body holds %s', async (_title, body) => {
    for (const path of ['/encode', '/decode', '/download']) {
      const answer = await post(identity, path, body);
      expect(answer.status).toBe(path === '/download' && answer.status === 404 ? 404 : 400);
      expect(answer.message).not.toBe('');
    }
  });

  it('is refused with 400 if the body is not UTF-8', async () => {
    const body = Buffer.concat([
      Buffer.from('{"payloads":[{"metadata":{"'),
      Buffer.from([0xff]),
      Buffer.from('":""}}]}'),
    ]);
    const response = await identity(new Request('http://localhost/encode', { method: 'POST', body }));
    expect(response.status).toBe(400);
  });

  it.each(['[', '{"a":', '[],', '{},'])(
    'is refused with 4xx if the body repeats "%s" millions of times',
    async (piece) => {
      const body = `{"payloads":[${piece.repeat(5_000_000)}`;
      const answer = await post(identity, '/encode', body);
      expect(answer).toMatchObject({ status: 413, message: expect.stringContaining('values') });
    },
  );

  it.each(['[', '{"a":'])('is refused with 400 if the body nests "%s" beyond any stack', async (piece) => {
    const answer = await post(identity, '/encode', `{"payloads":${piece.repeat(900_000)}`);
    expect(answer.status).toBe(400);
  });

  it('of payloads of any size is written in pieces of a few megabytes at most', async () => {
    const data = Buffer.alloc(20_000_000, 'x');
    let longest = 0;
    for await (const piece of writePayloads([{ data, metadata: { a: data } }]))
      longest = Math.max(longest, piece.length);
    expect(longest).toBeLessThan(3_000_000);
    const text = await write([{ data }, { data: data.subarray(0, 1) }]);
    expect(JSON.parse(text)).toEqual({ payloads: [{ data: toBase64(data) }, { data: 'eA==' }] });
  });

  it('of a reference comes out as it went in', async () => {
    const payload = reference('redis', { key: 'k' }, 5);
    expect(await post(identity, '/decode?preserveStorageRefs=TRUE', { payloads: [payload] })).toMatchObject({
      payloads: [payload],
    });
  });
});
