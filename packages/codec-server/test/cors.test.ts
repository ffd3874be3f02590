import { ExternalStorage } from '@temporalio/common';
import { createPayloadHandler, type PayloadHandlerOptions } from '../src';
import { plain, post, reference, WEB_UI } from './requests';

const lost = new ExternalStorage({
  drivers: [
    {
      name: 'lost',
      type: 'test',
      store: async () => {
        throw new Error('unreachable');
      },
      retrieve: async () => {
        throw Object.assign(new Error('gone'), { type: 'PayloadNotFoundError' });
      },
    },
  ],
});

function createHandler(options: Partial<PayloadHandlerOptions> = {}) {
  return createPayloadHandler({ dataConverter: { externalStorage: lost }, ...options });
}

async function preflight(
  origin: string,
  options: Partial<PayloadHandlerOptions> = {},
  path = '/decode',
): Promise<Response> {
  const headers = {
    Origin: origin,
    'Access-Control-Request-Method': 'POST',
    'Access-Control-Request-Headers': 'authorization,authorization-extras,content-type,x-namespace',
  };
  return createHandler(options)(new Request(`http://localhost:8081${path}`, { method: 'OPTIONS', headers }));
}

describe('CORS', () => {
  it('answers preflight requests of the Web UI, without authorization and at any path', async () => {
    for (const path of ['/decode', '/encode', '/download', '/prefix/decode', '/elsewhere']) {
      const response = await preflight(WEB_UI, { authorize: () => false }, path);
      expect(response.status).toBe(204);
      expect(await response.text()).toBe('');
      expect(Object.fromEntries(response.headers)).toEqual({
        'access-control-allow-origin': WEB_UI,
        'access-control-allow-credentials': 'true',
        'access-control-allow-headers': 'content-type, x-namespace, authorization, authorization-extras',
        'access-control-allow-methods': 'POST, OPTIONS',
        'access-control-max-age': '7200',
        vary: 'Origin',
      });
    }
  });

  it('names the origin that asks, of those allowed', async () => {
    const allowedOrigins = ['https://temporal.example.com', 'http://localhost:8080'];
    for (const origin of allowedOrigins) {
      const response = await preflight(origin, { allowedOrigins });
      expect(response.headers.get('access-control-allow-origin')).toBe(origin);
    }
    expect((await preflight(WEB_UI, { allowedOrigins })).status).toBe(403);
  });

  it.each([
    'https://evil.example.com',
    'http://localhost:82330',
    'http://localhost',
    'https://localhost:8233',
    'null',
    'http://LOCALHOST:8233',
  ])('refuses pages of %s, and does nothing for them', async (origin) => {
    const encode = jest.fn();
    const options = { dataConverter: { payloadCodecs: [{ encode, decode: encode }] } };
    const answer = await post(createHandler(options), '/encode', { payloads: [plain('a')] }, { Origin: origin });
    expect(answer).toMatchObject({ status: 403, message: expect.stringContaining('allowedOrigins') });
    expect(answer.message).not.toContain(origin);
    expect(encode).not.toHaveBeenCalled();
    for (const response of [answer, await preflight(origin)]) {
      expect(response.status).toBe(403);
      expect(response.headers.get('vary')).toBe('Origin');
      expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });

  it('serves requests without an origin, as of the CLI', async () => {
    const answer = await post(createHandler(), '/decode', { payloads: [plain('a')] });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    expect(answer.headers.get('vary')).toBe('Origin');
  });

  it.each<[number, string, unknown, Partial<PayloadHandlerOptions>]>([
    [200, '/decode', { payloads: [] }, {}],
    [400, '/decode', 'no JSON', {}],
    [401, '/decode', { payloads: [] }, { authorize: () => false }],
    [403, '/download', { payloads: [reference('lost', {})] }, { authorizeReference: () => false }],
    [404, '/elsewhere', { payloads: [] }, {}],
    [410, '/download', { payloads: [reference('lost', {})] }, {}],
    [413, '/decode', { payloads: [plain('a')] }, { maxRequestBytes: 10 }],
    [422, '/download', { payloads: [reference('unknown', {})] }, {}],
    [502, '/encode', { payloads: [plain('x'.repeat(300_000))] }, {}],
  ])('lets the Web UI read the answer %i of %s', async (status, path, body, options) => {
    const answer = await post(createHandler(options), path, body, { Origin: WEB_UI });
    expect(answer.status).toBe(status);
    expect(answer.message === '').toBe(status === 200);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'access-control-allow-origin': WEB_UI,
      'access-control-allow-credentials': 'true',
      'cache-control': 'no-store',
      'content-type': 'application/json',
      vary: 'Origin',
    });
  });

  it.each(['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH'])(
    'answers 405 to %s, and lets the Web UI read it',
    async (method) => {
      const request = new Request('http://localhost:8081/decode', { method, headers: { Origin: WEB_UI } });
      const response = await createHandler()(request);
      expect(response.status).toBe(405);
      expect(response.headers.get('allow')).toBe('POST, OPTIONS');
      expect(response.headers.get('access-control-allow-origin')).toBe(WEB_UI);
    },
  );

  it.each(['/', '/decode/', '/decoder', '/prefix/xdecode', '/decode/elsewhere'])('answers 404 at %s', async (path) => {
    expect(await post(createHandler(), path, { payloads: [] })).toMatchObject({
      status: 404,
      message: expect.stringContaining('/download'),
    });
  });
});
