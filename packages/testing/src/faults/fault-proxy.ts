import { once, setMaxListeners } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { pass, type Fault, type FaultyLink } from './faults';
import type { Running } from '../servers/start-together';
import type { RedisAddress } from '../servers/redis';

/** A TCP proxy, through which a client reaches its server until a fault says otherwise. */
export interface FaultProxy extends RedisAddress, Running {
  /** What befalls the bytes that clients send. Setting it lets go what its predecessor held back. */
  toServer: Fault;
  /** What befalls the bytes that the server sends. Setting it lets go what its predecessor held back. */
  toClient: Fault;
  /** The connections that are open. */
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
    void Promise.all([toServer.carry(client, upstream, link), toClient.carry(upstream, client, link)]).finally(() =>
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

/** One way through the proxy, over all links. */
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

  /** Resolves once `from` has ended or either has failed, and both are closed. */
  async carry(from: Socket, to: Socket, link: FaultyLink): Promise<void> {
    const passage = async function* (this: Direction, chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
      for await (const bytes of chunks) yield* this.current(bytes, link, this.replaced.signal);
    };
    await pipeline(from, passage.bind(this), to).catch(() => link.reset());
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
      client.resetAndDestroy();
      server.resetAndDestroy();
    },
  };
}

/** Every connection that is held back listens to it. */
function createSharedController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}
