import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { startFaultProxy, type FaultProxy } from '../src/faults/fault-proxy';
import {
  after,
  corrupt,
  cut,
  delay,
  hold,
  once as onceOnly,
  pass,
  reset,
  swallow,
  throttle,
} from '../src/faults/faults';
import { waitUntil } from '../src/wait-until';
import { isReachable } from './reachable';

const MIB = 1024 * 1024;

/** An echo server, which clients reach through the proxy. */
let server: Server;
let proxy: FaultProxy;
const sockets = new Set<Socket>();

beforeEach(async () => {
  server = createServer((socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy = await startFaultProxy({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  await proxy.stop();
  server.close();
  await once(server, 'close');
});

/** A connection, the bytes that it has received, and how it ended: an error code, or '' for a regular end. */
interface Client {
  socket: Socket;
  received: () => Buffer;
  ended: () => string | undefined;
}

function open(): Client {
  const socket = connect(proxy.port, proxy.host);
  sockets.add(socket);
  const chunks: Buffer[] = [];
  let ended: string | undefined;
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('end', () => (ended ??= ''));
  socket.on('error', (error: NodeJS.ErrnoException) => (ended = error.code));
  return { socket, received: () => Buffer.concat(chunks), ended: () => ended };
}

async function waitUntilReceived(client: Client, length: number): Promise<void> {
  await waitUntil('the client has received the bytes', [client], async ({ received }) => received().length >= length);
}

async function waitUntilEnded(client: Client): Promise<void> {
  await waitUntil('the connection has ended', [client], async ({ ended }) => ended() !== undefined);
}

/** Gives the proxy time to forward bytes that it should keep back. */
async function waitBriefly(): Promise<void> {
  await sleep(150);
}

describe('the fault proxy', () => {
  it('forwards bytes in both directions, unchanged and in order', async () => {
    const data = randomBytes(5 * MIB);
    const client = open();
    client.socket.write(data);

    await waitUntilReceived(client, data.length);

    expect(client.received().equals(data)).toBe(true);
  });

  it('keeps connections separate, and lists the open ones', async () => {
    const clients = [open(), open()];
    clients.forEach(({ socket }, index) => socket.write(`client ${index}`));
    for (const client of clients) await waitUntilReceived(client, 8);

    expect(clients.map(({ received }) => received().toString())).toEqual(['client 0', 'client 1']);
    expect(proxy.links.size).toBe(2);

    clients[0]!.socket.end();
    await waitUntil('one connection has closed', [proxy], async ({ links }) => links.size === 1);
  });

  it('closes a connection whose server has stopped', async () => {
    const target = { host: '127.0.0.1', port: proxy.port };
    const proxyWithoutServer = await startFaultProxy(target);
    await proxy.stop();
    proxy = proxyWithoutServer;
    const client = open();

    await waitUntilEnded(client);

    expect(client.received().length).toBe(0);
  });

  it('closes its port and connections on stop, even while it keeps bytes back', async () => {
    proxy.toClient = hold;
    const client = open();
    client.socket.write('kept back');
    await waitBriefly();

    await proxy.stop();

    await waitUntilEnded(client);
    expect(client.received().length).toBe(0);
    expect(await isReachable(proxy)).toBe(false);
    proxy = await startFaultProxy(proxy);
  });
});

describe.each(['toServer', 'toClient'] as const)('a fault of the direction %s', (direction) => {
  it('can keep bytes back until it is replaced', async () => {
    proxy[direction] = after(4, hold);
    const client = open();
    client.socket.write('one two');
    await waitUntilReceived(client, 4);
    await waitBriefly();
    expect(client.received().toString()).toBe('one ');

    proxy[direction] = pass;

    await waitUntilReceived(client, 7);
    expect(client.received().toString()).toBe('one two');
  });

  it('can drop bytes', async () => {
    const client = open();
    proxy[direction] = swallow;
    client.socket.write('lost');
    await waitBriefly();

    proxy[direction] = pass;
    client.socket.write('found');

    await waitUntilReceived(client, 5);
    expect(client.received().toString()).toBe('found');
  });

  it('can close the connection after an exact number of bytes of a large value', async () => {
    proxy[direction] = after(3 * MIB, cut);
    const data = randomBytes(5 * MIB);
    const client = open();
    client.socket.write(data);

    await waitUntilEnded(client);

    // The proxy resets the connection if bytes for the server are left over, and the RST may discard echoed bytes.
    expect(client.received().length).toBeGreaterThanOrEqual(direction === 'toClient' ? 3 * MIB : 0);
    expect(client.received().equals(data.subarray(0, client.received().length))).toBe(true);
    expect(client.received().length).toBeLessThanOrEqual(3 * MIB);
  });

  it('can reset the connection in the middle of a large value', async () => {
    proxy[direction] = after(MIB, reset);
    const client = open();
    client.socket.write(randomBytes(5 * MIB));

    await waitUntilEnded(client);

    expect(client.received().length).toBeLessThan(5 * MIB);
  });

  it('can flip a bit', async () => {
    proxy[direction] = corrupt;
    const client = open();
    client.socket.write('abc');

    await waitUntilReceived(client, 3);

    expect(client.received().toString()).toBe('acc');
  });

  it('can apply to a single chunk', async () => {
    proxy[direction] = onceOnly(corrupt);
    const client = open();
    client.socket.write('abc');
    await waitUntilReceived(client, 3);
    client.socket.write('abc');

    await waitUntilReceived(client, 6);

    expect(client.received().toString()).toBe('accabc');
  });

  it('can delay bytes', async () => {
    proxy[direction] = delay(300);
    const client = open();
    const start = performance.now();
    client.socket.write('slow');

    await waitUntilReceived(client, 4);

    expect(performance.now() - start).toBeGreaterThan(290);
  });

  it('can limit the rate of each connection separately', async () => {
    proxy[direction] = throttle(MIB);
    const clients = [open(), open()];
    const start = performance.now();
    for (const { socket } of clients) socket.write(randomBytes(MIB / 2));

    for (const client of clients) await waitUntilReceived(client, MIB / 2);

    expect(performance.now() - start).toBeGreaterThan(450);
  });

  it('forwards the remaining bytes immediately when it is replaced', async () => {
    proxy[direction] = throttle(1);
    const client = open();
    client.socket.write('a hundred seconds'.repeat(6));
    await waitBriefly();

    proxy[direction] = pass;

    await waitUntilReceived(client, 102);
    expect(client.received().length).toBe(102);
  });
});

it('a link of the fault proxy can be cut and reset between commands', async () => {
  const [first, second] = [open(), open()];
  for (const client of [first, second]) {
    client.socket.write('command');
    await waitUntilReceived(client, 7);
  }
  const [one, other] = proxy.links;

  one!.cut();
  other!.reset();

  await waitUntilEnded(first);
  await waitUntilEnded(second);
  expect(first.ended()).toBe('');
});

it('a link of the fault proxy that is reset while it closes leaves no socket open', async () => {
  const socketsBefore = countTcpSockets();
  const client = open();
  proxy.toClient = async function* (_bytes, link, replaced) {
    await once(replaced, 'abort');
    // The proxy ends its connection to the server within these ticks, and libuv sends the FIN only after them.
    for (let i = 0; i < 1000; i++) await new Promise<void>((resolve) => process.nextTick(resolve));
    link.reset();
    yield* [];
  };
  client.socket.write('echo');
  await waitBriefly();
  proxy.toServer = hold;
  client.socket.end('last');
  await waitBriefly();

  proxy.toServer = pass;
  proxy.toClient = pass;

  await waitUntilEnded(client);
  await waitUntil('the connection has closed', [proxy], async ({ links }) => links.size === 0);
  await waitBriefly();
  expect(countTcpSockets()).toBe(socketsBefore);
});

function countTcpSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
}
