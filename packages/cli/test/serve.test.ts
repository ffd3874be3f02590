import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { pass, reset, startFaultProxy, startRedis, type RunningRedis } from '@temporal-redis-storage/testing';
import { servePayloads, type ServeOptions } from '../src';
import { runCli } from '../src/run-cli';
import { createPrefix, openRedis, spellKey, type KeyTarget, type TestRedis } from './support/redis';
import { runCommand } from './support/run-command';
import { eventually, referTo } from './support/scripted-workflows';

describe('serve', () => {
  let server: RunningRedis;
  let redis: TestRedis;
  let keyPrefix: string;
  let closers: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    server = await startRedis();
    redis = await openRedis(server.url);
  });

  beforeEach(() => {
    keyPrefix = createPrefix();
  });

  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  });

  afterAll(async () => {
    redis?.destroy();
    await server?.stop();
  });

  async function serve(options: ServeOptions = {}): Promise<string> {
    const running = await servePayloads({ redisUrl: server.url, keyPrefix, port: 0, ...options });
    closers.push(async () => running.close());
    return running.url;
  }

  /** Stores a payload as the driver does, and answers the reference to it. */
  async function store(value: unknown, target?: KeyTarget, prefix = keyPrefix): Promise<Payload> {
    const payload = temporal.api.common.v1.Payload.encode(defaultPayloadConverter.toPayload(value)).finish();
    const key = spellKey(prefix, target, payload);
    await redis.set(key, Buffer.from(payload));
    return referTo(key);
  }

  async function download(url: string, reference: Payload, headers: Record<string, string>): Promise<Response> {
    const payload = {
      metadata: Object.fromEntries(Object.entries(reference.metadata!).map(([name, value]) => [name, encode(value)])),
      data: encode(reference.data!),
    };
    return fetch(`${url}/download`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify({ payloads: [payload] }),
    });
  }

  it('serves a payload to requests of its namespace alone', async () => {
    const url = await serve();
    const reference = await store('hello', { namespace: 'shop', id: 'o-1' });

    const own = await download(url, reference, { 'X-Namespace': 'shop' });
    expect(own.status).toBe(200);
    const { payloads } = (await own.json()) as { payloads: { data: string }[] };
    expect(Buffer.from(payloads[0]!.data, 'base64').toString()).toBe('"hello"');

    expect((await download(url, reference, { 'X-Namespace': 'bank' })).status).toBe(403);
    expect((await download(url, reference, {})).status).toBe(403);
  });

  it('serves a payload without a namespace to every request, and none of another prefix', async () => {
    const url = await serve();
    const headers = { 'X-Namespace': 'shop' };
    expect((await download(url, await store('nexus'), headers)).status).toBe(200);
    const foreign = await store('foreign', { namespace: 'shop', id: 'o-1' }, createPrefix());
    expect((await download(url, foreign, headers)).status).toBe(403);
  });

  it('asks for the token of its file', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'serve-'));
    closers.push(async () => rm(directory, { recursive: true }));
    const authTokenFile = join(directory, 'token');
    await writeFile(authTokenFile, 'a-token-that-is-long-enough\n');
    const url = await serve({ host: '0.0.0.0', authTokenFile });
    const reference = await store('hello', { namespace: 'shop', id: 'o-1' });
    const headers = { 'X-Namespace': 'shop' };
    expect((await download(url, reference, headers)).status).toBe(401);
    const wrong = { ...headers, Authorization: 'Bearer a-token-that-is-wrong' };
    expect((await download(url, reference, wrong)).status).toBe(401);
    const right = { ...headers, Authorization: 'Bearer a-token-that-is-long-enough' };
    expect((await download(url, reference, right)).status).toBe(200);

    await writeFile(authTokenFile, 'short');
    await expect(serve({ authTokenFile })).rejects.toThrow('must hold at least 16 characters');
  });

  it('refuses to listen where others can reach it without a token', async () => {
    const { status, stderr } = await runCommand(['serve', '--redis-url', server.url, '--host', '0.0.0.0']);
    expect(status).toBe(2);
    expect(stderr).toBe(
      'Error: Others can reach host 0.0.0.0: give authTokenFile (--auth-token-file), or serve on 127.0.0.1\n',
    );
  });

  it('answers /healthz by whether Redis is reachable, and recovers with it', async () => {
    const proxy = await startFaultProxy(server);
    const url = await serve({ redisUrl: `redis://${proxy.host}:${proxy.port}` });
    const health = async (): Promise<number> => (await fetch(`${url}/healthz`)).status;
    await expect(health()).resolves.toBe(200);
    proxy.toServer = reset;
    for (const link of proxy.links) link.reset();
    await expect(health()).resolves.toBe(503);
    proxy.toServer = pass;
    while ((await health()) !== 200);
    closers.push(async () => proxy.stop());
    await expect(health()).resolves.toBe(200);
  });

  it('answers /healthz by 200 while Redis cannot save, because it can be read', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'serve-'));
    const unsaved = await startRedis({ args: ['--dir', dir] });
    closers.push(async () => unsaved.stop());
    await rm(dir, { recursive: true });
    const admin = await openRedis(unsaved.url);
    closers.push(async () => {
      // Otherwise it refuses to shut down.
      await admin.configSet('save', '');
      admin.destroy();
    });
    await admin.configSet('save', '3600 1');
    await admin.sendCommand(['BGSAVE']);
    const isRefused = async (): Promise<boolean> =>
      admin.ping().then(
        () => false,
        (error: Error) => error.message.startsWith('MISCONF'),
      );
    await eventually(isRefused);
    const url = await serve({ redisUrl: unsaved.url });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it('serves until it is interrupted, and exits with 0', async () => {
    const stopping = new AbortController();
    const stdout = new PassThrough();
    const args = ['serve', '--redis-url', server.url, '--port', '0', '--key-prefix', keyPrefix];
    const status = runCli(args, { stdout, stderr: new PassThrough(), signal: stopping.signal });
    const [line] = (await stdout.take(1).toArray()) as Buffer[];
    const url = /^Serving payloads on (http:\S+)\n$/.exec(line!.toString())![1]!;
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    stopping.abort();
    await expect(status).resolves.toBe(0);
    await expect(fetch(`${url}/healthz`)).rejects.toThrow('fetch failed');
  });

  it('rejects a port that is taken', async () => {
    const url = await serve();
    await expect(serve({ port: Number(new URL(url).port) })).rejects.toThrow('EADDRINUSE');
  });
});

function encode(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
