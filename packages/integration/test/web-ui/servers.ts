import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { toNodeListener, type PayloadHandler } from '@temporal-redis-storage/codec-server';
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import { NodeRedisStorageDriverClient } from '@temporal-redis-storage/node-redis';
import { RedisStoragePlugin } from '@temporal-redis-storage/plugin';
import { requireBrowser, startRedis, startTemporal } from '@temporal-redis-storage/testing';
import { Client, Connection } from '@temporalio/client';
import type { DataConverter, PayloadCodec } from '@temporalio/common';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { chromium, type Browser } from 'playwright-core';
import { createClient } from 'redis';
import { generate } from 'selfsigned';
import { shipOrder } from './workflows';

/** A workflow that ran to its end. */
export interface FinishedWorkflow {
  workflowId: string;
  runId: string;
  /** The data converter of its client and worker. */
  dataConverter: DataConverter;
}

/** What the tests of a file share. */
export interface Servers {
  uiUrl: string;
  namespace: string;
  browser: Browser;
  redis: ReturnType<typeof createClient>;
  /** Where the Web UI finds the codec server unless its user names another. */
  codecUrl: string;
  /** Lets a codec server answer there. */
  serve(handler: PayloadHandler): void;
  /** Starts another codec server, over HTTPS, whose certificate nobody has signed. */
  serveHttps(handler: PayloadHandler): Promise<string>;
  /** Runs a workflow to its end, whose input and result are large. */
  runWorkflow(note: string, payloadCodecs?: PayloadCodec[]): Promise<FinishedWorkflow>;
}

const THRESHOLD = 1000;

/** Starts Temporal with its Web UI, Redis and a browser before the tests of a file, and stops them after. */
export function useServers(): Servers {
  jest.setTimeout(120_000);
  const servers = {} as Servers;
  const closers: (() => unknown)[] = [];
  let handler: PayloadHandler | undefined;

  beforeAll(async () => {
    const logger = new DefaultLogger('ERROR');
    Runtime.install({ logger });
    closers.push(() => Runtime.instance().shutdown());
    const listener = toNodeListener(async (request) => {
      if (handler === undefined) throw new Error('The test has set no handler');
      return handler(request);
    });
    servers.serve = (next) => {
      handler = next;
    };
    servers.codecUrl = `http://127.0.0.1:${await listen(createHttpServer(listener), closers)}`;
    servers.serveHttps = async (each) => startHttps(toNodeListener(each), closers);

    const temporal = await startTemporal({ ui: { codecEndpoint: servers.codecUrl } });
    closers.push(() => temporal.stop());
    servers.uiUrl = temporal.uiUrl!;
    servers.namespace = temporal.namespace;
    const redisServer = await startRedis();
    closers.push(() => redisServer.stop());
    servers.redis = createClient({ url: redisServer.url });
    await servers.redis.connect();
    closers.push(() => servers.redis.destroy());

    const connection = await Connection.connect({ address: temporal.address });
    closers.push(() => connection.close());
    const nativeConnection = await NativeConnection.connect({ address: temporal.address });
    closers.push(() => nativeConnection.close());
    const workflowBundle = await bundleWorkflowCode({ workflowsPath: require.resolve('./workflows'), logger });
    const driver = new RedisStorageDriver({ client: new NodeRedisStorageDriverClient(servers.redis) });
    const plugin = new RedisStoragePlugin({ driver, payloadSizeThreshold: THRESHOLD });

    servers.runWorkflow = async (note, payloadCodecs = []) => {
      const { namespace } = temporal;
      const taskQueue = randomUUID();
      const dataConverter = plugin.configureDataConverter({ payloadCodecs });
      const worker = await Worker.create({
        connection: nativeConnection,
        namespace,
        taskQueue,
        workflowBundle,
        dataConverter,
      });
      const client = new Client({ connection, namespace, dataConverter });
      const workflowId = `order-${randomUUID()}`;
      const handle = await client.workflow.start(shipOrder, { workflowId, taskQueue, args: [{ note }] });
      await worker.runUntil(handle.result());
      return { workflowId, runId: handle.firstExecutionRunId, dataConverter };
    };

    // Chromium has no sandbox for root.
    const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    servers.browser = await chromium.launch({ executablePath: requireBrowser(), args });
    closers.push(() => servers.browser.close());
  });

  afterAll(async () => {
    for (const close of closers.toReversed()) await close();
  });

  return servers;
}

async function startHttps(listener: RequestListener, closers: (() => unknown)[]): Promise<string> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: '127.0.0.1' }]);
  return `https://127.0.0.1:${await listen(createHttpsServer({ key, cert }, listener), closers)}`;
}

/** Resolves to the port. */
async function listen(server: ReturnType<typeof createHttpServer>, closers: (() => unknown)[]): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}
