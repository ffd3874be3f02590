import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { RedisAddress } from '../servers/redis';

export type RespValue =
  | { type: 'status' | 'error'; text: string }
  | { type: 'integer'; digits: string }
  | { type: 'bulk'; bytes: Buffer }
  | { type: 'null' }
  | { type: 'array'; items: RespValue[] };

/** A reply of Redis: parsed, and as raw bytes. */
export interface RespReply {
  value: RespValue;
  raw: Buffer;
}

export type RespCommand = readonly (string | Buffer)[];

interface Waiting {
  resolve(reply: RespReply): void;
  reject(error: Error): void;
}

/** A RESP2 connection. Replies come in the order of the commands, parsed and as raw bytes. */
export class RespConnection {
  private readonly waiting: Waiting[] = [];
  private chunks: Buffer[] = [];
  private buffered = 0;
  private needed = 1;

  static async open({ host, port }: RedisAddress): Promise<RespConnection> {
    const socket = connect({ host, port, noDelay: true });
    await once(socket, 'connect');
    return new RespConnection(socket);
  }

  /** Returns at once: commands wait until the connection is open. */
  static openLazily({ host, port }: RedisAddress): RespConnection {
    return new RespConnection(connect({ host, port, noDelay: true }));
  }

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk) => this.receive(chunk));
    socket.on('error', () => {}); // 'close' follows.
    socket.on('close', () => {
      for (const waiting of this.waiting.splice(0)) waiting.reject(new Error('Redis closed the connection'));
    });
  }

  get isClosed(): boolean {
    return this.socket.destroyed;
  }

  async send(command: RespCommand): Promise<RespReply> {
    return new Promise((resolve, reject) => {
      if (this.socket.destroyed) {
        reject(new Error('The connection to Redis is closed'));
        return;
      }
      this.waiting.push({ resolve, reject });
      this.socket.write(encodeCommand(command));
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private receive(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.buffered += chunk.length;
    while (this.buffered >= this.needed) {
      const received = Buffer.concat(this.chunks);
      const parsed = parse(received, 0);
      if (!('value' in parsed)) {
        this.chunks = [received];
        this.needed = parsed.needed;
        return;
      }
      this.chunks = [received.subarray(parsed.end)];
      this.buffered -= parsed.end;
      this.needed = 1;
      this.waiting.shift()?.resolve({ value: parsed.value, raw: received.subarray(0, parsed.end) });
    }
  }
}

function encodeCommand(command: RespCommand): Buffer {
  const parts = [Buffer.from(`*${command.length}\r\n`)];
  for (const argument of command) {
    const bytes = Buffer.from(argument);
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, CRLF);
  }
  return Buffer.concat(parts);
}

const CRLF = Buffer.from('\r\n');

/** The reply that begins at `start`, or the number of bytes needed before it can be parsed. */
type Parsed = { value: RespValue; end: number } | { needed: number };

function parse(received: Buffer, start: number): Parsed {
  const lineEnd = received.indexOf(CRLF, start);
  if (lineEnd < 0) return { needed: received.length + 1 };
  const type = String.fromCharCode(received[start] ?? 0);
  const text = received.toString('utf8', start + 1, lineEnd);
  const next = lineEnd + CRLF.length;
  switch (type) {
    case '+':
      return { value: { type: 'status', text }, end: next };
    case '-':
      return { value: { type: 'error', text }, end: next };
    case ':':
      return { value: { type: 'integer', digits: text }, end: next };
    case '$':
      return parseBulk(received, next, Number(text));
    case '*':
      return parseArray(received, next, Number(text));
    default:
      throw new Error(`Redis sent a reply of unknown RESP2 type '${type}'`);
  }
}

function parseBulk(received: Buffer, start: number, length: number): Parsed {
  if (length < 0) return { value: { type: 'null' }, end: start };
  const end = start + length + CRLF.length;
  if (received.length < end) return { needed: end };
  return { value: { type: 'bulk', bytes: received.subarray(start, start + length) }, end };
}

function parseArray(received: Buffer, start: number, length: number): Parsed {
  if (length < 0) return { value: { type: 'null' }, end: start };
  const items: RespValue[] = [];
  let end = start;
  while (items.length < length) {
    const item = parse(received, end);
    if (!('value' in item)) return item;
    items.push(item.value);
    end = item.end;
  }
  return { value: { type: 'array', items }, end };
}
