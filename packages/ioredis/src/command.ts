import { writeWithoutCopy } from './zero-copy-set';

/** The parts of an ioredis client that are used here and missing from its public types. */
interface Sender {
  readonly isCluster?: boolean;
  readonly options?: object;
  readonly sendCommand?: (command: Command, ...others: unknown[]) => unknown;
}

/** ioredis's own command object. */
export interface Command {
  name: string;
  args: unknown[];
  toWritable?: (socket: Socket | undefined) => unknown;
  setTimeout?: (ms: number) => void;
  reject?: (error: Error) => void;
}

/** The connection that ioredis writes commands to. */
export interface Socket {
  write?: (piece: string | Uint8Array) => unknown;
}

/**
 * Sends one command of an ioredis client, and keeps control of it:
 *
 * - After `abortSignal` aborts, it isn't sent any more, and lets go of its arguments.
 * - It isn't sent again by itself after the connection was lost with it in flight: a request that makes Redis close the
 *   connection would be sent again forever, and take all later requests with it. It rejects instead; see
 *   {@link isLostConnection}. A large value is sent a second time, with a copy.
 * - It has no `commandTimeout`, and is in no autopipelined batch.
 * - A large `value` isn't copied; pass undefined to have it copied.
 */
export async function sendCommand<Client extends object, Reply>(
  client: Client,
  abortSignal: AbortSignal | undefined,
  value: Uint8Array | undefined,
  send: (client: Client) => Promise<Reply>,
): Promise<Reply> {
  abortSignal?.throwIfAborted();
  const { sendCommand: sendByClient, options, isCluster = false } = client as Sender;
  if (typeof sendByClient !== 'function') return send(client);
  let takeBack: (() => void) | undefined;
  const viewOptions = Object.create(options ?? null, { enableAutoPipelining: { value: false } }) as object;
  const view = Object.create(client, {
    options: { value: viewOptions },
    sendCommand: {
      value(command: Command, ...others: unknown[]) {
        takeBack ??= controlCommand(command, isCluster, value, abortSignal);
        return sendByClient.call(client, command, ...others);
      },
    },
  }) as Client;
  const onAbort = (): void => takeBack?.();
  abortSignal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await send(view);
  } finally {
    abortSignal?.removeEventListener('abort', onAbort);
  }
}

/** Whether the connection was lost with a command in flight. */
export function isLostConnection(error: unknown): boolean {
  return error instanceof LostConnectionError;
}

class LostConnectionError extends Error {
  override name = 'LostConnectionError';
}

function createLostConnectionError(command: string): LostConnectionError {
  return new LostConnectionError(
    `The connection was lost before Redis answered ${command.toUpperCase()}. If that happens each time, Redis closes it: ` +
      'see client-output-buffer-limit, client-query-buffer-limit, proto-max-bulk-len and maxmemory-clients',
  );
}

/** Prepares a command that is about to be sent. The returned function takes it back. */
function controlCommand(
  command: Command,
  isCluster: boolean,
  value: Uint8Array | undefined,
  abortSignal: AbortSignal | undefined,
): () => void {
  const { toWritable, name } = command;
  let connection: { socket: Socket | undefined } | undefined;
  let uncopied = value;
  // Lets ioredis send a command again in its own way, in case the connection was lost because of ours.
  let mayBeSentAgain = isCluster;
  // The driver's deadline decides.
  command.setTimeout = () => {};
  // One command, one reply: a command that must keep its place in ioredis's queues becomes a PING.
  const turnIntoPing = (): void => {
    command.name = 'ping';
    command.args = [];
    uncopied = undefined;
  };
  if (typeof toWritable === 'function') {
    command.toWritable = (socket) => {
      const isSentAgain = connection !== undefined && connection.socket !== socket;
      if (isSentAgain && !mayBeSentAgain && command.name !== 'ping') {
        turnIntoPing();
        command.reject?.(createLostConnectionError(name));
      }
      const lastPiece = uncopied && !connection ? writeWithoutCopy(command, uncopied, socket) : undefined;
      mayBeSentAgain = isCluster || lastPiece !== undefined || (mayBeSentAgain && !isSentAgain);
      connection = { socket };
      return lastPiece ?? toWritable.call(command, socket);
    };
  }
  return () => {
    turnIntoPing();
    // What was sent already may still be in the socket's buffer, so the promise stays pending until the reply.
    if (!connection) command.reject?.(abortSignal?.reason as Error);
  };
}
