import { createClient } from 'redis';
import type { RedisAddress } from './redis';

/** A node-redis client of one node. */
export type RedisConnection = ReturnType<typeof connectTo>;

export async function connectAll(addresses: RedisAddress[]): Promise<RedisConnection[]> {
  const connections = addresses.map(connectTo);
  try {
    await Promise.all(connections.map((connection) => connection.connect()));
  } catch (error) {
    disconnectAll(connections);
    throw error;
  }
  return connections;
}

export function disconnectAll(connections: RedisConnection[]): void {
  for (const connection of connections) connection.destroy();
}

function connectTo({ host, port }: RedisAddress) {
  // The next command reports a lost connection, so the client doesn't reconnect and its listener does nothing.
  return createClient({ socket: { host, port, reconnectStrategy: false } }).on('error', () => {});
}
