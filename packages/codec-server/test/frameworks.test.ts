import { createServer } from 'node:http';
import { serve, type ServerType } from '@hono/node-server';
import express from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { createPayloadHandler, toNodeListener } from '../src';
import { listen } from './node-server';
import { useRedisStorage } from './redis-storage';
import { plain, readAnswer, toBase64, WEB_UI } from './requests';

const storage = useRedisStorage();

interface Running {
  url: string;
  stop(): Promise<unknown>;
}

function createHandler() {
  return createPayloadHandler({
    dataConverter: { externalStorage: storage.externalStorage },
    maxRequestBytes: 100_000,
  });
}

/** The snippets of the README. */
const FRAMEWORKS: Record<string, () => Promise<Running>> = {
  'node:http': async () => listen(createServer(toNodeListener(createHandler()))),

  Express: async () => {
    const app = express();
    app.use('/codec', toNodeListener(createHandler()));
    app.use(express.json());
    return listen(createServer(app));
  },

  Fastify: async () => {
    const fastify = Fastify();
    const listener = toNodeListener(createHandler());
    await fastify.register(async (codec) => {
      codec.removeAllContentTypeParsers();
      codec.addContentTypeParser('*', (_request, _body, done) => done(null));
      codec.all('/codec/*', (request, reply) => {
        reply.hijack();
        listener(request.raw, reply.raw);
      });
    });
    const url = await fastify.listen({ host: '127.0.0.1', port: 0 });
    return { url, stop: async () => fastify.close() };
  },

  Hono: async () => {
    const handler = createHandler();
    const app = new Hono();
    app.all('/codec/*', (context) => handler(context.req.raw));
    const server = await new Promise<ServerType>((resolve) => {
      const starting: ServerType = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () => resolve(starting));
    });
    const { port } = server.address() as { port: number };
    const stop = async (): Promise<void> => {
      await new Promise((resolve) => server.close(resolve));
    };
    return { url: `http://127.0.0.1:${port}`, stop };
  },
};

describe.each(Object.entries(FRAMEWORKS))('the codec server in %s', (_name, start) => {
  let running: Running;

  beforeAll(async () => {
    running = await start();
  });

  afterAll(async () => running?.stop());

  async function request(path: string, init: RequestInit): Promise<Response> {
    return fetch(`${running.url}/codec${path}?preserveStorageRefs=true`, {
      ...init,
      headers: { Origin: WEB_UI, 'Content-Type': 'application/json', Connection: 'close' },
    });
  }

  it('answers preflight, download and errors, with CORS headers', async () => {
    const preflight = await request('/download', { method: 'OPTIONS' });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe(WEB_UI);

    const payload = plain('stored');
    const stored = await storage.store({
      metadata: { encoding: Buffer.from('json/plain') },
      data: Buffer.from('"stored"'),
    });
    const body = JSON.stringify({ payloads: [stored.json] });
    const download = await request('/download', { method: 'POST', body });
    expect(download.headers.get('access-control-allow-origin')).toBe(WEB_UI);
    expect(await readAnswer(download)).toMatchObject({ status: 200, payloads: [payload] });

    const bad = await request('/decode', { method: 'POST', body: '{' });
    expect(bad.headers.get('access-control-allow-origin')).toBe(WEB_UI);
    expect(await readAnswer(bad)).toMatchObject({ status: 400, message: expect.stringContaining('JSON') });

    const large = JSON.stringify({ payloads: [{ data: toBase64('x'.repeat(200_000)) }] });
    expect(await readAnswer(await request('/encode', { method: 'POST', body: large }))).toMatchObject({ status: 413 });
  });
});
