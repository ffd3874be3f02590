import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request as sendRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createPayloadHandler, toNodeListener } from '@temporal-redis-storage/codec-server';
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import { NodeRedisStorageDriverClient } from '@temporal-redis-storage/node-redis';
import { RedisStoragePlugin } from '@temporal-redis-storage/plugin';
import { startRedis, startTemporal, type RunningTemporal } from '@temporal-redis-storage/testing';
import { Client, Connection } from '@temporalio/client';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { createClient } from 'redis';
import { run } from '../install/run';
import { INPUT, NAMESPACE, SHOW, START, TOKEN, WORKFLOW, type CliRequest } from './cli-requests';

jest.setTimeout(120_000);

const CLI = process.env.TEMPORAL_CLI_PATH;
const NOTE = { note: 'x'.repeat(2000) };

const closers: (() => unknown)[] = [];
let redis: ReturnType<typeof createClient>;
let plugin: RedisStoragePlugin;
let driver: RedisStorageDriver;
let codecUrl: string;
/** What the codec server was asked. */
const requests: CliRequest[] = [];

beforeAll(async () => {
  const redisServer = await startRedis();
  closers.push(() => redisServer.stop());
  redis = createClient({ url: redisServer.url });
  await redis.connect();
  closers.push(() => redis.destroy());
  driver = new RedisStorageDriver({ client: new NodeRedisStorageDriverClient(redis) });
  plugin = new RedisStoragePlugin({ driver, payloadSizeThreshold: 1000 });
  const handler = createPayloadHandler({
    dataConverter: plugin.configureDataConverter(),
    authorize: ({ headers }) => headers.get('authorization') === TOKEN,
  });
  const server = createServer(
    toNodeListener(async (request) => {
      const { method, url, headers } = request;
      const body = await request.text();
      requests.push({ path: new URL(url).pathname, headers: Object.fromEntries(headers), body });
      return handler(new Request(url, { method, headers, body }));
    }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  codecUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  for (const close of closers.toReversed()) await close();
});

beforeEach(async () => {
  requests.length = 0;
  await redis.flushAll();
});

function toPayload(value: unknown): Payload {
  return defaultPayloadConverter.toPayload(value);
}

/** A payload in strict proto JSON. */
function toJson({ metadata, data }: Payload): object {
  const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  const entries = Object.entries(metadata!).map(([name, value]) => [name, toBase64(value)] as const);
  return { metadata: Object.fromEntries(entries), data: toBase64(data!) };
}

async function replay({ path, headers, body }: CliRequest): Promise<{ status: number; payloads: object[] }> {
  const call = sendRequest(codecUrl + path, { method: 'POST', headers });
  call.end(body);
  const [response] = (await once(call, 'response')) as [AsyncIterable<Buffer> & { statusCode: number }];
  const { payloads } = JSON.parse(await text(response)) as { payloads: object[] };
  return { status: response.statusCode, payloads };
}

describe("the codec server on recorded requests of Temporal's CLI", () => {
  it('answers `workflow show` with what is stored', async () => {
    const target = { kind: 'workflow', namespace: NAMESPACE, ...WORKFLOW } as const;
    await driver.store({ target }, [toPayload(NOTE)]);
    expect(await replay(SHOW)).toEqual({
      status: 200,
      payloads: [toJson(toPayload(NOTE)), toJson(toPayload('small'))],
    });
  });

  it('answers `workflow show` with the reference to a payload that is lost, and with the others', async () => {
    const { payloads } = JSON.parse(SHOW.body) as { payloads: { metadata: object; data: string }[] };
    const { metadata, data } = payloads[0]!;
    const reference = { metadata, data, externalPayloads: [{ sizeBytes: '2038' }] };
    expect(await replay(SHOW)).toEqual({ status: 200, payloads: [reference, toJson(toPayload('small'))] });
  });

  it('stores the input of 400 kB of `workflow start`', async () => {
    const { status, payloads } = await replay(START);
    expect(status).toBe(200);
    expect(payloads).toEqual([expect.objectContaining({ externalPayloads: [{ sizeBytes: '400039' }] })]);
    expect(await redis.keys('*')).toEqual([expect.stringMatching(/^temporalio:payloads:v0:d:sha256:/)]);
  });
});

// The CLI is no part of what the tests install, so it is tried where somebody has one.
if (CLI) {
  describe("Temporal's CLI at TEMPORAL_CLI_PATH", () => {
    let temporal: RunningTemporal;
    let client: Client;
    let folder: string;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'cli-'));
      closers.push(() => rm(folder, { recursive: true }));
      // With a Web UI it is the CLI's own server, whose namespace is that of the recorded requests.
      temporal = await startTemporal({ ui: {} });
      closers.push(() => temporal.stop());
      const connection = await Connection.connect({ address: temporal.address });
      closers.push(() => connection.close());
      client = new Client({ connection, namespace: NAMESPACE, plugins: [plugin] });
    });

    async function runCli(command: string, { id }: { id: string }, ...args: string[]): Promise<string> {
      const { address } = temporal;
      const common = [
        '--address',
        address,
        '--namespace',
        NAMESPACE,
        '--codec-endpoint',
        codecUrl,
        '--workflow-id',
        id,
      ];
      return run(folder, CLI!, ['workflow', command, ...common, '--codec-auth', TOKEN, ...args]);
    }

    /** The input of a workflow, as the CLI shows it. */
    async function showInput(workflow: { id: string }): Promise<object[]> {
      const history = await runCli('show', workflow, '--output', 'json');
      const { events } = JSON.parse(history) as {
        events: { workflowExecutionStartedEventAttributes: { input: { payloads: object[] } } }[];
      };
      return events[0]!.workflowExecutionStartedEventAttributes.input.payloads;
    }

    it('shows what is stored, prints the rest once it is lost, and sends the recorded requests', async () => {
      const { id: workflowId, type } = WORKFLOW;
      await client.workflow.start(type, { workflowId, taskQueue: 'none', args: [NOTE, 'small'] });
      expect(await showInput(WORKFLOW)).toEqual([toJson(toPayload(NOTE)), toJson(toPayload('small'))]);
      expect(requests).toEqual([{ ...SHOW, headers: { ...SHOW.headers, host: new URL(codecUrl).host } }]);
      await redis.flushAll();
      const [reference, small] = await showInput(WORKFLOW);
      expect(reference).toMatchObject({ externalPayloads: [{ sizeBytes: '2038' }] });
      expect(small).toEqual(toJson(toPayload('small')));
    });

    it('starts a workflow with an input of 400 kB, shows it, and sends the recorded requests', async () => {
      const file = join(folder, 'input.json');
      await writeFile(file, INPUT);
      const workflow = { id: 'order-2' };
      await runCli('start', workflow, '--type', WORKFLOW.type, '--task-queue', 'none', '--input-file', file);
      expect(requests).toEqual([{ ...START, headers: { ...START.headers, host: new URL(codecUrl).host } }]);
      const { historyLength, raw } = await client.workflow.getHandle(workflow.id).describe();
      expect(historyLength).toBeGreaterThan(0);
      expect(raw.workflowExecutionInfo!.historySizeBytes!.toNumber()).toBeLessThan(10_000);
      expect(await showInput(workflow)).toEqual([toJson(toPayload(JSON.parse(INPUT)))]);
    });

    it('shows nothing and gives up with a token that is refused', async () => {
      const workflowId = 'order-3';
      await client.workflow.start(WORKFLOW.type, { workflowId, taskQueue: 'none', args: ['small'] });
      await expect(runCli('show', { id: workflowId }, '--codec-auth', 'Bearer other')).rejects.toThrow(
        'context deadline exceeded',
      );
    });
  });
}
