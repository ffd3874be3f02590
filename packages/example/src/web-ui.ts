import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createPayloadHandler, toNodeListener, type PayloadHandler } from '@temporal-redis-storage/codec-server';
import type { DataConverter } from '@temporalio/common';

async function answerUnavailable(): Promise<Response> {
  return Response.json({ message: 'The demo has stored nothing yet' }, { status: 503 });
}

/** The codec server of the demo's Web UI. The UI must know its URL before there is anything that it could decode. */
export class CodecServer {
  private constructor(
    private readonly server: Server,
    /** Where it listens. */
    readonly url: string,
    private readonly setHandler: (handler: PayloadHandler) => void,
  ) {}

  static async start(): Promise<CodecServer> {
    let handler: PayloadHandler = answerUnavailable;
    const server = createServer(toNodeListener(async (request) => handler(request)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    return new CodecServer(server, `http://127.0.0.1:${port}`, (next) => (handler = next));
  }

  /** Serves the payloads of a data converter to the Web UI at `uiUrl` from now on. */
  serve(dataConverter: DataConverter, uiUrl: string): void {
    this.setHandler(createPayloadHandler({ dataConverter, allowedOrigins: [new URL(uiUrl).origin] }));
  }

  async stop(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }
}
