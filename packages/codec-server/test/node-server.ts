import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { toNodeListener, type PayloadHandler } from '../src';

/** A handler behind `node:http`, on a free port of the loopback interface. */
export interface NodeServer {
  server: Server;
  port: number;
  url: string;
  stop(): Promise<void>;
}

export async function startNodeServer(handler: PayloadHandler): Promise<NodeServer> {
  return listen(createServer(toNodeListener(handler)));
}

export async function listen(server: Server): Promise<NodeServer> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const stop = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  return { server, port, url: `http://127.0.0.1:${port}`, stop };
}

/** A connection for requests that no client would send. */
export class RawConnection {
  received = '';
  readonly closed: Promise<unknown>;

  private constructor(readonly socket: Socket) {
    socket.setEncoding('latin1').on('data', (text: string) => (this.received += text));
    socket.on('error', () => {});
    this.closed = once(socket, 'close');
  }

  static async open(port: number): Promise<RawConnection> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new RawConnection(socket);
  }

  /** Resolves to what was received once that matches. Rejects if the connection closes first. */
  async receive(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.received)) {
      if (this.socket.destroyed) throw new Error(`Closed without ${pattern}: ${this.received.slice(0, 500)}`);
      await Promise.race([once(this.socket, 'data'), this.closed]);
    }
    return this.received;
  }
}
