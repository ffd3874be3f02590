import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

const HOST = '127.0.0.1';

/** A port of the loopback interface that is free at the moment. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, HOST);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A free port whose cluster bus port, 10000 above it, is free too. */
export async function findFreeClusterPort(): Promise<number> {
  for (;;) {
    const port = await findFreePort();
    const busPort = port + 10_000;
    if (busPort <= 65_535 && (await isFree(busPort))) return port;
  }
}

/** Calls `start` up to three times, because another process may take a free port before it is used. */
export async function retryTakenPort<T>(start: () => Promise<T>): Promise<T> {
  for (let attemptsLeft = 2; ; attemptsLeft--) {
    try {
      return await start();
    } catch (error) {
      if (attemptsLeft === 0 || !/in use/.test(String(error))) throw error;
    }
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, HOST);
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
