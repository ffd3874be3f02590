import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import express from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { createPayloadHandler, toNodeListener } from '../src';
import { readCodeBlock, runCodeBlock, type BlockResult } from './code-block';
import { listen, RawConnection } from './node-server';
import { useRedisStorage } from './redis-storage';
import { plain, readAnswer, toBase64, WEB_UI } from './requests';

const README = 'packages/codec-server/README.md';
const storage = useRedisStorage();

interface Running {
  url: string;
  stop(): Promise<unknown>;
}

/** Runs the README's code block for a framework, with the framework's `app` in scope. */
async function mount(framework: string, app: unknown): Promise<void> {
  const handler = createPayloadHandler({ dataConverter: { externalStorage: storage.externalStorage } });
  await runCodeBlock(readCodeBlock(README, `// ${framework}`), { app, handler, toNodeListener });
}

/** Runs a code block that starts a server at port 8081, at a free one instead. */
async function startAtFreePort(code: string, start?: (exports: BlockResult['exports']) => void): Promise<Running> {
  expect(code).toContain('.listen(8081,');
  const dataConverter = { externalStorage: storage.externalStorage };
  const { exports, servers } = await runCodeBlock(code.replace('.listen(8081,', '.listen(0,'), { dataConverter });
  start?.(exports);
  const [server] = servers;
  await once(server!, 'listening');
  const { address, port } = server!.address() as AddressInfo;
  return {
    url: `http://${address}:${port}`,
    stop: async () => new Promise((resolve) => server!.close(resolve)),
  };
}

const FRAMEWORKS: Record<string, () => Promise<Running>> = {
  'node:http, as in the README': async () =>
    startAtFreePort(readCodeBlock(README, 'node:http'), ({ startCodecServer }) =>
      (startCodecServer as (dataConverter: object) => void)({ externalStorage: storage.externalStorage }),
    ),

  'node:http, as in the document on the Web UI': async () =>
    startAtFreePort(readCodeBlock('docs/web-ui.md', 'node:http')),

  Express: async () => {
    const app = express();
    await mount('Express', app);
    app.use(express.json());
    return listen(createServer(app));
  },

  Fastify: async () => {
    const app = Fastify();
    await mount('Fastify', app);
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    return { url, stop: async () => app.close() };
  },

  Hono: async () => {
    const app = new Hono();
    await mount('Hono', app);
    return listen(createAdaptorServer(app) as ReturnType<typeof createServer>);
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
  });

  it('takes bodies beyond the limits of frameworks, and refuses those beyond its own', async () => {
    const large = { data: toBase64('x'.repeat(2_000_000)) };
    const decoded = await request('/decode', { method: 'POST', body: JSON.stringify({ payloads: [large] }) });
    expect(await readAnswer(decoded)).toMatchObject({ status: 200, payloads: [large] });

    const connection = await RawConnection.open(Number(new URL(running.url).port));
    connection.socket.write('POST /codec/encode HTTP/1.1\r\nHost: localhost\r\nContent-Length: 80000000\r\n\r\n');
    expect(await connection.receive(/maxRequestBytes/)).toContain('HTTP/1.1 413 ');
    connection.socket.destroy();
  });
});
