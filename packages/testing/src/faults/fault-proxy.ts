import { once, setMaxListeners } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { pass, type Fault, type FaultyLink } from './faults';
import type { Running } from '../servers/start-together';
import type { RedisAddress } from '../servers/redis';

/** A TCP proxy between a client and its server that can inject faults. */
export interface FaultProxy extends RedisAddress, Running {
  /** The fault applied to client-to-server bytes. Replacing it forwards the bytes that the previous fault kept back. */
  toServer: Fault;
  /** The fault applied to server-to-client bytes. Replacing it forwards the bytes that the previous fault kept back. */
  toClient: Fault;
  /** The open connections. */
  readonly links: ReadonlySet<FaultyLink>;
}

const HOST = '127.0.0.1';

/** Starts a proxy in front of the server at an address, on a free port of the loopback interface. */
export async function startFaultProxy(server: RedisAddress): Promise<FaultProxy> {
  const links = new Set<FaultyLink>();
  const toServer = new Direction();
  const toClient = new Direction();

  const proxy = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = connect({ host: server.host, port: server.port, allowHalfOpen: true, noDelay: true });
    const link = createLink(client, upstream);
    links.add(link);
    void Promise.all([toServer.forward(client, upstream, link), toClient.forward(upstream, client, link)]).finally(() =>
      links.delete(link),
    );
  });
  proxy.listen(0, HOST);
  await once(proxy, 'listening');

  return {
    host: HOST,
    port: (proxy.address() as AddressInfo).port,
    links,
    get toServer() {
      return toServer.fault;
    },
    set toServer(fault) {
      toServer.fault = fault;
    },
    get toClient() {
      return toClient.fault;
    },
    set toClient(fault) {
      toClient.fault = fault;
    },
    async stop() {
      proxy.close();
      for (const link of links) link.reset();
      toServer.fault = pass;
      toClient.fault = pass;
      await once(proxy, 'close');
    },
  };
}

/** One direction through the proxy, for all links. */
class Direction {
  private current = pass;
  private replaced = createSharedController();

  get fault(): Fault {
    return this.current;
  }

  set fault(fault: Fault) {
    this.current = fault;
    this.replaced.abort();
    this.replaced = createSharedController();
  }

  /** Forwards bytes until both sockets are closed: `from` has ended, or one of them has failed. */
  async forward(from: Socket, to: Socket, link: FaultyLink): Promise<void> {
    const applyFault = async function* (this: Direction, chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
      for await (const bytes of chunks) yield* this.current(bytes, link, this.replaced.signal);
    };
    await pipeline(from, applyFault.bind(this), to).catch(() => link.reset());
  }
}

function createLink(client: Socket, server: Socket): FaultyLink {
  let isCut = false;
  return {
    cut() {
      if (isCut) return;
      isCut = true;
      client.destroySoon();
      server.destroySoon();
    },
    reset() {
      resetSocket(client);
      resetSocket(server);
    },
  };
}

/**
 * Closes a socket with a RST. libuv refuses to reset a socket that is about to send its FIN, and Node then leaves the file
 * descriptor open until the process ends, so such a socket is closed without.
 */
function resetSocket(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}

/** An AbortController without a limit on listeners, because every connection may add one. */
function createSharedController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}
