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
  /** Set it to make the endpoint fail, or to watch it; by default requests are just applied. */
  intercept: UpstashIntercept;
  stop(): Promise<void>;
}

/** Starts an endpoint that speaks Upstash's REST API, strictly as documented, in front of a real Redis. */
export async function startUpstash(options: UpstashDatabaseOptions): Promise<UpstashServer> {
  const database = await UpstashDatabase.open(options);
  // Room for the longest key that Upstash takes (32 KB), percent-encoded.
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

  async function answerTo(request: UpstashRequest): Promise<UpstashResponse> {
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
    const request = await handleRequest(incoming);
    const answer = await upstash.intercept(request, () => answerTo(request));
    if (answer === undefined) {
      incoming.socket.destroy();
      return;
    }
    response.writeHead(answer.status, { ...answer.headers, 'content-length': answer.body.length });
    response.end(request.method === 'HEAD' ? undefined : answer.body);
  }

  server.on('request', (incoming, response) => {
    handle(incoming, response).catch(() => incoming.socket.destroy());
  });
  return upstash;
}

async function handleRequest(incoming: IncomingMessage): Promise<UpstashRequest> {
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
  const session = { readOnly, position: typeof sent === 'string' && sent !== '' ? database.positionOf(sent) : 0 };
  const answer = await createResponse(operation, database, session);
  return { ...answer, headers: { ...answer.headers, 'upstash-sync-token': database.syncTokenOf(session) } };
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
