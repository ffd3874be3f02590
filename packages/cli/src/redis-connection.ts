import type { NodeRedisClient } from '@temporal-redis-storage/node-redis';
import { ValueError } from '@temporalio/common';
import { createClient, createCluster } from 'redis';
import { withTimeout } from './timeout';

/**
 * Where Redis is.
 *
 * @experimental
 */
export interface RedisConnectionOptions {
  /** `redis://`, `rediss://` (TLS) or `unix://`, with user, password and database in it. Defaults to `REDIS_URL`. */
  redisUrl?: string;
  /** Whether the URL is that of a node of a Redis Cluster, whose every primary is visited. False unless given. */
  cluster?: boolean;
}

/** Node's own URL knows no credentials before a path. */
const UNIX_URL = /^unix:\/\/(?:[^@/]*@)?(\/[^?#]+)/;

interface RedisUrl {
  href: string;
  /** For messages. */
  address: string;
  tls?: boolean;
  login?: { username?: string; password?: string };
}

/** How {@link connectRedis} connects. */
interface ConnectOptions {
  /** True for a server: reconnect forever. Otherwise the connection gives up after some 10 seconds without Redis. */
  keepReconnecting?: boolean;
}

/** A node of Redis that is asked directly, whichever keys it holds. */
export interface RedisNode {
  /** `host:port`, for messages. */
  address: string;
  /** Rejects after 30 seconds without a reply. Bulk strings come as strings. */
  sendCommand(args: string[]): Promise<unknown>;
  /** Sends commands in one pipeline. Each that has no reply after 30 seconds counts as rejected. */
  sendCommands(commands: string[][]): Promise<PromiseSettledResult<unknown>[]>;
  /** How many connections to this node there have been; it changes when a lost one has been replaced. */
  connectionCount(): Promise<number>;
}

/** A connection to Redis that the command line owns. */
export interface RedisConnection {
  /** For an adapter: the client of node-redis. */
  client: NodeRedisClient;
  /** `host:port` of the URL, for messages. */
  address: string;
  /** The nodes that hold the keys: one unless this is a cluster. */
  listPrimaries(): Promise<RedisNode[]>;
  /** Sends a command to the primary that holds `key`. Rejects after 30 seconds without a reply. */
  sendCommand(key: string, args: string[]): Promise<unknown>;
  close(): void;
}

const CONNECT_TIMEOUT_MS = 5000;
const REQUEST_TIMEOUT_MS = 30_000;
const MAX_RECONNECTS = 8;
const MAX_RECONNECT_DELAY_MS = 2000;

/** node-redis would time each command on its own, which takes longer than the command. */
const NO_TIMEOUT = { timeout: 0 };

/** Replies to a login that stay the same however often it is tried. */
const REFUSED_LOGIN = /^(?:WRONGPASS|NOAUTH|NOPERM|ERR) /;

/** Connects to Redis, or rejects after some 10 seconds. No message contains the URL's credentials. */
export async function connectRedis(
  { redisUrl = process.env['REDIS_URL'], cluster = false }: RedisConnectionOptions,
  { keepReconnecting = false }: ConnectOptions = {},
): Promise<RedisConnection> {
  const url = parseRedisUrl(redisUrl, cluster);
  const { address } = url;
  try {
    return await (cluster ? connectCluster : connectStandalone)(url, keepReconnecting);
  } catch (cause) {
    throw new Error(`Cannot connect to Redis${cluster ? ' Cluster' : ''} at ${address}`, { cause });
  }
}

/** Neither message repeats the URL: a malformed one may contain a password as well. */
function parseRedisUrl(redisUrl: string | undefined, cluster: boolean): RedisUrl {
  if (!redisUrl) throw new ValueError('No Redis to connect to: give --redis-url (redisUrl) or set REDIS_URL');
  const socket = UNIX_URL.exec(redisUrl)?.[1];
  if (socket !== undefined && !cluster) return { href: redisUrl, address: socket };
  if (!URL.canParse(redisUrl)) {
    throw new ValueError('The Redis URL (--redis-url or REDIS_URL) is malformed: percent-encode special characters');
  }
  const { href, host, protocol, username, password } = new URL(redisUrl);
  if (!['redis:', 'rediss:'].includes(protocol)) {
    throw new ValueError(
      `The Redis URL (--redis-url or REDIS_URL) must start with redis://${cluster ? ' or rediss://' : ', rediss:// or unix://'}`,
    );
  }
  const login = {
    ...(username && { username: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
  };
  return { href, address: host, tls: protocol === 'rediss:', login };
}

async function connectStandalone(url: RedisUrl, keepReconnecting: boolean): Promise<RedisConnection> {
  const { address } = url;
  const client = createClient({ url: url.href, RESP: 2, socket: socketSettings(keepReconnecting) });
  // Without a listener a lost connection would end the process. It shows in the commands that need it.
  client.on('error', () => {});
  await connectOrDestroy(client, async () => {
    await client.connect();
    await requireLogin(client);
  });
  const node = createNode(address, async () => client);
  return {
    client,
    address,
    listPrimaries: async () => [node],
    sendCommand: (_, args) => node.sendCommand(args),
    close: () => client.destroy(),
  };
}

async function connectCluster(url: RedisUrl, keepReconnecting: boolean): Promise<RedisConnection> {
  const { address, tls = false, login } = url;
  const socket = socketSettings(keepReconnecting);
  const cluster = createCluster({
    rootNodes: [{ url: url.href }],
    RESP: 2,
    // The settings of a root node don't apply to the nodes that it knows of.
    defaults: {
      ...login,
      socket: tls ? { ...socket, tls } : socket,
    },
  });
  cluster.on('error', () => {});
  await connectOrDestroy(cluster, async () => cluster.connect());
  return {
    client: cluster,
    address,
    listPrimaries: async () =>
      cluster.masters.map((master) => createNode(master.address, async () => cluster.nodeClient(master))),
    sendCommand: (key, args) => withReplyTimeout(address, cluster.sendCommand(key, false, args, NO_TIMEOUT)),
    close: () => cluster.destroy(),
  };
}

async function connectOrDestroy(client: { destroy(): void }, connect: () => Promise<unknown>): Promise<void> {
  try {
    await withTimeout(connect(), 2 * CONNECT_TIMEOUT_MS, 'Redis did not complete the connection');
  } catch (error) {
    client.destroy();
    throw error;
  }
}

/** Redis lets a client connect without a password, and refuses all it asks then. */
async function requireLogin(client: { ping(): Promise<unknown> }): Promise<void> {
  try {
    await client.ping();
  } catch (cause) {
    // A user may lack the permission to send this command.
    if (!(cause as Error).message.startsWith('NOAUTH')) return;
    throw new Error('Redis asks for a password: put it into the URL, as in redis://user:password@host:port', { cause });
  }
}

interface NodeClient {
  sendCommand(args: string[], options: { timeout: number }): Promise<unknown>;
  on(event: 'ready', listener: () => void): unknown;
}

function createNode(address: string, openClient: () => Promise<NodeClient>): RedisNode {
  const seen = new WeakSet<NodeClient>();
  let connections = 0;
  const client = async (): Promise<NodeClient> => {
    const current = await openClient();
    if (!seen.has(current)) {
      seen.add(current);
      connections += 1;
      current.on('ready', () => (connections += 1));
    }
    return current;
  };
  return {
    address,
    sendCommand: async (args) => withReplyTimeout(address, (await client()).sendCommand(args, NO_TIMEOUT)),
    sendCommands: async (commands) => {
      const current = await client();
      const replies = Promise.allSettled(commands.map(async (args) => current.sendCommand(args, NO_TIMEOUT)));
      try {
        return await withReplyTimeout(address, replies);
      } catch (reason) {
        return commands.map(() => ({ status: 'rejected', reason }));
      }
    },
    connectionCount: async () => {
      await client();
      return connections;
    },
  };
}

/** Rejects if Redis doesn't reply within 30 seconds. */
export async function withReplyTimeout<T>(address: string, reply: Promise<T>): Promise<T> {
  return withTimeout(reply, REQUEST_TIMEOUT_MS, `Redis at ${address} did not reply`);
}

function socketSettings(keepReconnecting: boolean) {
  return {
    connectTimeout: CONNECT_TIMEOUT_MS,
    reconnectStrategy: (retries: number, cause: Error) => {
      if (!keepReconnecting && (retries >= MAX_RECONNECTS || REFUSED_LOGIN.test(cause.message))) return cause;
      return Math.min(50 * 2 ** retries, MAX_RECONNECT_DELAY_MS);
    },
  };
}
