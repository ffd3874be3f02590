import { isNativeError } from 'node:util/types';

/** From this size on, in bytes, one more copy costs more than two more writes. */
const MIN_SIZE = 1024 * 1024;

/** What pieces need of an ioredis client beyond its public types. */
interface Sender {
  options?: { enableAutoPipelining?: boolean };
  sendCommand?: (command: Command, ...others: unknown[]) => unknown;
}

interface Command {
  args: unknown[];
  toWritable?: (socket: Socket | undefined) => unknown;
}

interface Socket {
  write?: (piece: string | Uint8Array) => unknown;
}

/**
 * A view of an ioredis client whose `set` writes a large value to the socket as it is. The client's own copies the whole
 * command into one more buffer first: twice the memory, and a stall of 28 ms for 50 MiB. Answers the client itself where
 * that can't be done: for a small value, under autopipelining, or where the client's inner workings are other ones.
 */
export function withZeroCopySet<Client extends object>(client: Client, value: Uint8Array): Client {
  const { options, sendCommand } = client as Sender;
  if (value.length < MIN_SIZE || typeof sendCommand !== 'function' || options?.enableAutoPipelining) return client;
  return Object.create(client, {
    sendCommand: {
      value(command: Command, ...others: unknown[]) {
        writeWithoutCopy(command, value);
        return sendCommand.call(client, command, ...others);
      },
    },
  }) as Client;
}

/** Whether Redis couldn't follow a command, as when its pieces were written twice or with others in between. */
export function isProtocolError(error: unknown): boolean {
  return isNativeError(error) && error.message.startsWith('ERR Protocol error');
}

/**
 * ioredis calls `toWritable` when it sends the command and writes what that returns next: so the pieces before it are
 * written here. When it sends the command again, on another connection, it may do it in its own way.
 */
function writeWithoutCopy(command: Command, value: Uint8Array): void {
  const { toWritable } = command;
  if (typeof toWritable !== 'function') return;
  command.toWritable = (socket) => {
    command.toWritable = toWritable;
    const { args } = command;
    const [key, sent, ...rest] = args;
    const isExpected = typeof key === 'string' && sent === value && rest.length > 0 && rest.every(isText);
    if (!isExpected || typeof socket?.write !== 'function') return command.toWritable(socket);
    socket.write(`*${args.length + 1}\r\n${encodeBulk('set')}${encodeBulk(key)}$${value.length}\r\n`);
    socket.write(value);
    // With arguments left to come, Redis executes nothing of what is no whole command.
    return `\r\n${rest.map(encodeBulk).join('')}`;
  };
}

function isText(argument: unknown): argument is string {
  return typeof argument === 'string';
}

function encodeBulk(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}
