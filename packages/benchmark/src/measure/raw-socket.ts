import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { RedisAddress } from '@temporal-redis-storage/testing';
import type { Commands } from './libraries';

const LINE_END = '\r\n';

interface PendingReply {
  resolve: (reply: Uint8Array | null) => void;
  reject: (error: Error) => void;
}

/** The lower bound of what Redis costs: writes commands to a socket without copying, and copies each reply once. */
export class RawSocket implements Commands {
  private readonly pending: PendingReply[] = [];
  /** The part of a reply's first line that has arrived. */
  private header = '';
  private bulk: { bytes: Buffer; filled: number } | undefined;

  static async open({ host, port }: RedisAddress): Promise<RawSocket> {
    const socket = connect({ host, port, noDelay: true });
    await once(socket, 'connect');
    return new RawSocket(socket);
  }

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk) => {
      let rest: Buffer = chunk;
      while (rest.length > 0) rest = this.bulk === undefined ? this.readHeader(rest) : this.readValue(rest);
    });
    socket.on('error', () => {}); // 'close' follows.
    socket.on('close', () => {
      for (const { reject } of this.pending.splice(0)) reject(new Error('Redis closed the connection'));
    });
  }

  async set(key: string, bytes: Uint8Array): Promise<unknown> {
    this.socket.cork();
    this.socket.write(`*4\r\n$3\r\nSET\r\n$${Buffer.byteLength(key)}\r\n${key}\r\n$${bytes.length}\r\n`);
    this.socket.write(bytes);
    this.socket.write('\r\n$2\r\nNX\r\n');
    this.socket.uncork();
    return this.waitForReply();
  }

  async get(key: string): Promise<Uint8Array | null> {
    this.socket.write(`*2\r\n$3\r\nGET\r\n$${Buffer.byteLength(key)}\r\n${key}\r\n`);
    return this.waitForReply();
  }

  close(): void {
    this.socket.destroy();
  }

  private async waitForReply(): Promise<Uint8Array | null> {
    return new Promise((resolve, reject) => this.pending.push({ resolve, reject }));
  }

  /** Consumes bytes up to the end of the first line and returns the rest. */
  private readHeader(chunk: Buffer): Buffer {
    const end = chunk.indexOf('\n') + 1 || chunk.length;
    this.header += chunk.toString('latin1', 0, end);
    if (this.header.endsWith(LINE_END)) {
      this.startReply(this.header);
      this.header = '';
    }
    return chunk.subarray(end);
  }

  /**
   * Handles a reply's first line. Replies other than values and errors resolve to null: a missing value, or a SET's
   * status.
   */
  private startReply(header: string): void {
    const length = Number(header.slice(1));
    if (header.startsWith('-')) this.pending.shift()?.reject(new Error(header.trim()));
    else if (!header.startsWith('$') || length < 0) this.pending.shift()?.resolve(null);
    else this.bulk = { bytes: Buffer.allocUnsafe(length + LINE_END.length), filled: 0 };
  }

  /** Consumes the bytes of the value and returns the rest. */
  private readValue(chunk: Buffer): Buffer {
    if (this.bulk === undefined) return chunk;
    const { bytes, filled } = this.bulk;
    const taken = chunk.copy(bytes, filled);
    this.bulk.filled += taken;
    if (this.bulk.filled === bytes.length) {
      this.bulk = undefined;
      this.pending.shift()?.resolve(bytes.subarray(0, -LINE_END.length));
    }
    return chunk.subarray(taken);
  }
}
