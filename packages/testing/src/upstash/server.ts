import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createCommandResponse,
  createErrorResponse,
  createPipelineResponse,
  createTransactionResponse,
  type UpstashResponse,
} from './response';
import { UpstashDatabase, type UpstashDatabaseOptions, type UpstashSession } from './database';
import { parseOperation, parseToken, UpstashRefusal, type UpstashOperation, type UpstashRequest } from './request';

/**
 * Runs between a request and the endpoint: `apply` executes the request and resolves to its response. The returned response
 * is sent instead; `undefined` drops the connection.
 */
export type UpstashIntercept = (
  request: UpstashRequest,
  apply: () => Promise<UpstashResponse>,
) => Promise<UpstashResponse | undefined>;

export interface UpstashServer {
  readonly url: string;
  readonly token: string;
  readonly readOnlyToken: string;
  /** Replace it to inject failures or to record requests. By default it only applies requests. */
  intercept: UpstashIntercept;
  stop(): Promise<void>;
}

/** Starts an endpoint that speaks Upstash's REST API, strictly as documented, in front of a real Redis. */
export async function startUpstash(options: UpstashDatabaseOptions): Promise<UpstashServer> {
  const database = await UpstashDatabase.open(options);
  // The path may contain the longest key that Upstash accepts (32 KB), percent-encoded.
  const server = createServer({ maxHeaderSize: 128 * 1024 });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const upstash: UpstashServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: randomUUID(),
    readOnlyToken: randomUUID(),
    intercept: (_request, apply) => apply(),
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
      database.close();
    },
  };

  async function createResponseTo(request: UpstashRequest): Promise<UpstashResponse> {
    try {
      const token = parseToken(request);
      if (token !== upstash.token && token !== upstash.readOnlyToken) {
        throw new UpstashRefusal(401, 'WRONGPASS invalid or missing auth token');
      }
      return await executeCommands(database, request, token === upstash.readOnlyToken);
    } catch (error) {
      if (error instanceof UpstashRefusal) return createErrorResponse(error.status, error.message);
      return createErrorResponse(500, 'ERR the database did not answer');
    }
  }

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readRequest(incoming);
    const result = await upstash.intercept(request, () => createResponseTo(request));
    if (result === undefined) {
      incoming.socket.destroy();
      return;
    }
    response.writeHead(result.status, { ...result.headers, 'content-length': result.body.length });
    response.end(request.method === 'HEAD' ? undefined : result.body);
  }

  server.on('request', (incoming, response) => {
    handle(incoming, response).catch(() => incoming.socket.destroy());
  });
  return upstash;
}

async function readRequest(incoming: IncomingMessage): Promise<UpstashRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const { method = '', url = '', headers } = incoming;
  return { method, url, headers, body: Buffer.concat(chunks) };
}

async function executeCommands(
  database: UpstashDatabase,
  request: UpstashRequest,
  readOnly: boolean,
): Promise<UpstashResponse> {
  const operation = parseOperation(request);
  const sent = request.headers['upstash-sync-token'];
  const session = { readOnly, position: typeof sent === 'string' && sent !== '' ? database.parseSyncToken(sent) : 0 };
  const response = await createResponse(operation, database, session);
  return { ...response, headers: { ...response.headers, 'upstash-sync-token': database.createSyncToken(session) } };
}

async function createResponse(
  operation: UpstashOperation,
  database: UpstashDatabase,
  session: UpstashSession,
): Promise<UpstashResponse> {
  const { kind, format } = operation;
  if (kind === 'command') return createCommandResponse(await database.run(operation.command, session), format);
  if (kind === 'multi-exec') {
    return createTransactionResponse(await database.runTransaction(operation.commands, session), format);
  }
  const replies = [];
  for (const command of operation.commands) replies.push(await database.run(command, session));
  return createPipelineResponse(replies, format);
}
