import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { RedisAddress } from '@temporal-redis-storage/testing';
import type { Commands } from './libraries';

const LINE_END = '\r\n';

interface Waiting {
  resolve: (reply: Uint8Array | null) => void;
  reject: (error: Error) => void;
}

/** The least that Redis costs: commands written to a bare socket in pieces, and each reply put into one buffer. */
export class RawSocket implements Commands {
  private readonly waiting: Waiting[] = [];
  /** The part of a reply's first line that has come. */
  private line = '';
  private bulk: { bytes: Buffer; filled: number } | undefined;

  static async open({ host, port }: RedisAddress): Promise<RawSocket> {
    const socket = connect({ host, port, noDelay: true });
    await once(socket, 'connect');
    return new RawSocket(socket);
  }

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk) => {
      let rest: Buffer = chunk;
      while (rest.length > 0) rest = this.bulk === undefined ? this.readLine(rest) : this.fill(rest);
    });
    socket.on('error', () => {}); // 'close' follows.
    socket.on('close', () => {
      for (const { reject } of this.waiting.splice(0)) reject(new Error('Redis closed the connection'));
    });
  }

  async set(key: string, bytes: Uint8Array): Promise<unknown> {
    this.socket.cork();
    this.socket.write(`*4\r\n$3\r\nSET\r\n$${Buffer.byteLength(key)}\r\n${key}\r\n$${bytes.length}\r\n`);
    this.socket.write(bytes);
    this.socket.write('\r\n$2\r\nNX\r\n');
    this.socket.uncork();
    return this.reply();
  }

  async get(key: string): Promise<Uint8Array | null> {
    this.socket.write(`*2\r\n$3\r\nGET\r\n$${Buffer.byteLength(key)}\r\n${key}\r\n`);
    return this.reply();
  }

  close(): void {
    this.socket.destroy();
  }

  private async reply(): Promise<Uint8Array | null> {
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  /** Reads up to the end of a line, and answers what comes after it. */
  private readLine(chunk: Buffer): Buffer {
    const end = chunk.indexOf('\n') + 1 || chunk.length;
    this.line += chunk.toString('latin1', 0, end);
    if (this.line.endsWith(LINE_END)) {
      this.begin(this.line);
      this.line = '';
    }
    return chunk.subarray(end);
  }

  /** A reply, of which this is the first line. What is no value is the null of a GET, or says what a SET did. */
  private begin(line: string): void {
    const length = Number(line.slice(1));
    if (line.startsWith('-')) this.waiting.shift()?.reject(new Error(line.trim()));
    else if (!line.startsWith('$') || length < 0) this.waiting.shift()?.resolve(null);
    else this.bulk = { bytes: Buffer.allocUnsafe(length + LINE_END.length), filled: 0 };
  }

  /** Takes what belongs to the value, and answers what comes after it. */
  private fill(chunk: Buffer): Buffer {
    if (this.bulk === undefined) return chunk;
    const { bytes, filled } = this.bulk;
    const taken = chunk.copy(bytes, filled);
    this.bulk.filled += taken;
    if (this.bulk.filled === bytes.length) {
      this.bulk = undefined;
      this.waiting.shift()?.resolve(bytes.subarray(0, -LINE_END.length));
    }
    return chunk.subarray(taken);
  }
}
