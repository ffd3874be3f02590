import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { ExternalStorage } from '@temporalio/common';
import { createPayloadHandler, toNodeListener, type PayloadHandler, type PayloadHandlerOptions } from '../src';
import { listen, RawConnection, startNodeServer, type NodeServer } from './node-server';
import { useRedisStorage } from './redis-storage';
import { plain, readAnswer, reference, toBase64, WEB_UI } from './requests';

const MIB = 1024 * 1024;
const storage = useRedisStorage();
const errors: unknown[] = [];
const servers: NodeServer[] = [];

async function startServer(options: Partial<PayloadHandlerOptions> = {}): Promise<NodeServer> {
  return keep(
    startNodeServer(
      createPayloadHandler({
        dataConverter: { externalStorage: storage.externalStorage },
        onError: (error) => errors.push(error),
        ...options,
      }),
    ),
  );
}

async function keep(starting: Promise<NodeServer>): Promise<NodeServer> {
  const server = await starting;
  servers.push(server);
  return server;
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  errors.length = 0;
});

const BODY = JSON.stringify({ payloads: [plain('a')] });

function head(length: number, path = '/decode'): string {
  return `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n\r\n`;
}

describe('toNodeListener', () => {
  it('serves requests of the Web UI over node:http', async () => {
    const { url } = await startServer();
    const stored = await storage.store({ data: Buffer.from('"stored"') });
    const response = await fetch(`${url}/codec/download?preserveStorageRefs=true`, {
      method: 'POST',
      headers: { Origin: WEB_UI, 'X-Namespace': 'default', 'Content-Type': 'application/json' },
      body: JSON.stringify({ payloads: [stored.json] }),
    });
    expect(response.headers.get('access-control-allow-origin')).toBe(WEB_UI);
    expect(await readAnswer(response)).toMatchObject({ status: 200, payloads: [{ data: toBase64('"stored"') }] });
  });

  it('hands headers, query and method to the handler', async () => {
    let seen: Request | undefined;
    const { url, port } = await keep(
      startNodeServer(async (request) => {
        seen = request;
        return new Response('body', { status: 201, headers: { 'X-Answer': 'yes' } });
      }),
    );
    const response = await fetch(`${url}//elsewhere/decode?a=b`, {
      method: 'PUT',
      body: 'x',
      headers: { 'X-Ask': 'é' },
    });
    expect(response.status).toBe(201);
    expect(response.headers.get('x-answer')).toBe('yes');
    expect(await response.text()).toBe('body');
    expect(seen!.method).toBe('PUT');
    expect(seen!.url).toBe(`http://127.0.0.1:${port}//elsewhere/decode?a=b`);
    expect(seen!.headers.get('x-ask')).toBe('é');
  });

  it('reads a body that arrives slowly, byte by byte', async () => {
    const { port } = await startServer();
    const connection = await RawConnection.open(port);
    connection.socket.setNoDelay(true).write(head(BODY.length));
    for (const byte of BODY) {
      connection.socket.write(byte);
      await sleep(1);
    }
    expect(await connection.receive(/anNvbi9wbGFpbg==/)).toContain('200 OK');
    connection.socket.destroy();
  });

  it('reads a chunked body, and keeps the connection for the next request', async () => {
    const { port } = await startServer();
    const connection = await RawConnection.open(port);
    const chunked = 'POST /decode HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n';
    for (const _ of [1, 2]) {
      connection.received = '';
      connection.socket.write(`${chunked}${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`);
      expect(await connection.receive(/anNvbi9wbGFpbg==[^]*\r\n0\r\n/)).toContain('200 OK');
    }
    connection.socket.destroy();
  });

  it('survives bodies that are cut off, and serves the next request', async () => {
    const { port, url } = await startServer();
    for (const cut of [0, 1, 20, BODY.length - 1]) {
      const connection = await RawConnection.open(port);
      connection.socket.write(head(BODY.length) + BODY.slice(0, cut));
      await sleep(20);
      connection.socket.destroy();
      await connection.closed;
    }
    const ended = await RawConnection.open(port);
    ended.socket.end(`${head(BODY.length)}${BODY.slice(0, 10)}`);
    await ended.closed;
    expect((await fetch(`${url}/decode`, { method: 'POST', body: BODY })).status).toBe(200);
    expect(errors).toEqual([]);
  });

  it.each<[string, Partial<PayloadHandlerOptions>, number]>([
    ['over maxRequestBytes', { maxRequestBytes: 1000 }, 413],
    ['that authorize refuses', { authorize: () => false }, 401],
  ])(
    'answers a large request %s before it has arrived, and serves the next one of its connection',
    async (_title, options, status) => {
      const { port } = await startServer(options);
      for (const chunked of [false, true]) {
        const connection = await RawConnection.open(port);
        const [length, start, end] = chunked
          ? ['Transfer-Encoding: chunked', `${(4 * MIB).toString(16)}\r\n`, '\r\n0\r\n\r\n']
          : [`Content-Length: ${4 * MIB}`, '', ''];
        connection.socket.write(`POST /decode HTTP/1.1\r\nHost: localhost\r\n${length}\r\n\r\n${start}`);
        connection.socket.write('x'.repeat(MIB));
        expect(await connection.receive(/"message"/)).toContain(`HTTP/1.1 ${status}`);
        connection.socket.write('x'.repeat(3 * MIB) + end);
        connection.received = '';
        connection.socket.write('OPTIONS /decode HTTP/1.1\r\nHost: localhost\r\n\r\n');
        expect(await connection.receive(/\r\n\r\n/)).toContain('HTTP/1.1 204');
        connection.socket.destroy();
      }
    },
  );

  it('lets fetch read the refusal of a body that is too large', async () => {
    const { url } = await startServer({ maxRequestBytes: MIB });
    const response = await fetch(`${url}/decode`, { method: 'POST', body: Buffer.alloc(30 * MIB, ' ') });
    expect(await readAnswer(response)).toMatchObject({
      status: 413,
      message: expect.stringContaining('maxRequestBytes'),
    });
  });

  it.each(['/download', '/decode'])('aborts the reads of %s if the client goes away', async (path) => {
    const reads = new EventEmitter();
    const externalStorage = new ExternalStorage({
      drivers: [
        {
          name: 'slow',
          type: 'test',
          store: async () => [],
          retrieve: ({ abortSignal }) =>
            new Promise((_resolve, reject) => {
              reads.emit('begin');
              abortSignal!.addEventListener('abort', () => {
                reads.emit('abort', abortSignal!.reason);
                reject(abortSignal!.reason as Error);
              });
            }),
        },
      ],
    });
    const { url } = await startServer({ dataConverter: { externalStorage } });
    const controller = new AbortController();
    const [began, aborted] = [once(reads, 'begin'), once(reads, 'abort')];
    const body = JSON.stringify({ payloads: [reference('slow', {})] });
    const call = fetch(`${url}${path}`, { method: 'POST', body, signal: controller.signal });
    await began;
    controller.abort();
    await expect(call).rejects.toThrow('aborted');
    expect(await aborted).toEqual([new Error('The client closed the connection')]);
    expect(errors).toEqual([]);
  });

  it('stops writing to a client that goes away', async () => {
    const writes = new EventEmitter();
    const cancelled = once(writes, 'cancel');
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(Buffer.alloc(MIB)),
      cancel: () => void writes.emit('cancel'),
    });
    const { port } = await keep(startNodeServer(async () => new Response(body)));
    const connection = await RawConnection.open(port);
    connection.socket.pause();
    connection.socket.write(head(0));
    await sleep(100);
    connection.socket.destroy();
    expect(await cancelled).toEqual([]);
  });

  it('ends the connection if the body of an answer fails', async () => {
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.error(new Error('broken')),
    });
    const { url } = await keep(startNodeServer(async () => new Response(body)));
    const reading = fetch(url).then(async (response) => response.text());
    await expect(reading).rejects.toThrow(/terminated|fetch failed/);
  });

  it.each([
    [
      'a method that Request does not take',
      'TRACE /decode HTTP/1.1\r\nHost: localhost\r\n\r\n',
      /^HTTP\/1.1 400[^]*"message"/,
    ],
    ['a URL without a path', 'OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n', /^HTTP\/1.1 400[^]*"message"/],
    ['a malformed host', 'OPTIONS /decode HTTP/1.1\r\nHost: [\r\n\r\n', /^HTTP\/1.1 204/],
    ['an absolute URL', 'OPTIONS http://localhost/decode HTTP/1.1\r\nHost: localhost\r\n\r\n', /^HTTP\/1.1 204/],
    [
      'a path with a malformed escape',
      'POST /%E0%A4%A/decode HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}',
      /^HTTP\/1.1 200/,
    ],
    ['no length', 'POST /decode HTTP/1.1\r\nHost: localhost\r\n\r\n', /^HTTP\/1.1 400[^]*"message"/],
  ])('answers a request with %s', async (_title, request, answer) => {
    const { port } = await startServer();
    const connection = await RawConnection.open(port);
    connection.socket.write(request);
    expect(await connection.receive(/\r\n\r\n/)).toMatch(answer);
    connection.socket.destroy();
  });

  it('says so if something has read the body before', async () => {
    const listener = toNodeListener(
      createPayloadHandler({ dataConverter: { externalStorage: storage.externalStorage } }),
    );
    const { url } = await keep(
      listen(createServer((request, response) => request.resume().once('end', () => listener(request, response)))),
    );
    const response = await fetch(`${url}/decode`, { method: 'POST', body: BODY });
    expect(await readAnswer(response)).toMatchObject({ status: 500, message: expect.stringContaining('body parser') });
  });

  it('destroys the connection if the handler rejects, which ours never does', async () => {
    const handler: PayloadHandler = async () => {
      throw new Error('broken');
    };
    const { url } = await keep(startNodeServer(handler));
    await expect(fetch(url)).rejects.toThrow('fetch failed');
  });
});

describe('a payload of 50 MiB', () => {
  it('is downloaded byte for byte, and encoded again', async () => {
    const { url } = await startServer();
    const data = randomBytes(50 * MIB - 100);
    const stored = await storage.store({ metadata: { encoding: Buffer.from('binary/plain') }, data });
    const body = JSON.stringify({ payloads: [stored.json] });
    const response = await fetch(`${url}/download`, { method: 'POST', body });
    expect(response.status).toBe(200);
    const text = Buffer.from(await response.arrayBuffer());
    const encoding = toBase64('binary/plain');
    const expected = Buffer.from(`{"payloads":[{"metadata":{"encoding":"${encoding}"},"data":"${toBase64(data)}"}]}`);
    expect(text.equals(expected)).toBe(true);

    const encoded = await fetch(`${url}/encode`, { method: 'POST', body: text });
    expect(await readAnswer(encoded)).toMatchObject({ status: 200, payloads: [{ externalPayloads: [{}] }] });
  });
});
