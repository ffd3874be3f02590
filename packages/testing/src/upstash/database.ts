import { randomUUID } from 'node:crypto';
import type { RedisAddress } from '../servers/redis';
import { UpstashReplica, type UpstashReplicaOptions } from './replica';
import { UpstashRefusal } from './request';
import { RespConnection, type RespCommand, type RespReply, type RespValue } from './resp';

export interface UpstashDatabaseOptions {
  /** The Redis that acts as the primary. */
  redis: RedisAddress;
  /** Another empty Redis, which acts as a read replica. Without it, reads go to the primary. */
  replica?: UpstashReplicaOptions;
  /** The maximum size of a command or a reply in bytes. Defaults to 10485760 (10 MiB), as on Upstash's smaller plans. */
  maxRequestSize?: number;
}

/** The state of a client's session. */
export interface UpstashSession {
  readOnly: boolean;
  /** The number of writes that the client's reads must see. */
  position: number;
}

/** The flags of a command in `COMMAND INFO`. */
interface CommandTraits {
  supported: boolean;
  /** Whether replicas serve the command. */
  readonly: boolean;
  /** Whether the read-only token may run the command. */
  readOnlyToken: boolean;
}

/** Runs commands as an Upstash database does: writes on the primary, reads on a replica that may lag behind. */
export class UpstashDatabase {
  private readonly id = randomUUID();
  private readonly traits = new Map<string, Promise<CommandTraits>>();
  private writes = 0;
  private isClosed = false;

  static async open(options: UpstashDatabaseOptions): Promise<UpstashDatabase> {
    const primary = await RespConnection.open(options.redis);
    const replica = options.replica && (await UpstashReplica.open(options.replica));
    return new UpstashDatabase(options.redis, primary, replica, options.maxRequestSize ?? 10 * 1024 * 1024);
  }

  private constructor(
    private readonly address: RedisAddress,
    private connection: RespConnection,
    private readonly replica: UpstashReplica | undefined,
    private readonly maxRequestSize: number,
  ) {}

  /** Runs one command, and updates the session to the position of the server that ran it. */
  async run(command: RespCommand, session: UpstashSession): Promise<RespReply> {
    const { readonly, refusal } = await this.check(command, session);
    if (refusal !== undefined) return refusal;
    if (!readonly) return this.limitSize(await this.write([command], session));
    if (this.replica === undefined) return this.limitSize(await this.primary.send(command));
    const { reply, position } = await this.replica.read(command, session.position);
    session.position = Math.max(session.position, position);
    return this.limitSize(reply);
  }

  /** Runs the commands in one transaction and resolves to the reply of its `EXEC`, or to the error that discarded it. */
  async runTransaction(commands: RespCommand[], session: UpstashSession): Promise<RespReply> {
    const checks = await Promise.all(commands.map((command) => this.check(command, session)));
    const refusal = checks.find((check) => check.refusal !== undefined)?.refusal;
    return refusal ?? this.write([['MULTI'], ...commands, ['EXEC']], session);
  }

  createSyncToken({ position }: UpstashSession): string {
    return Buffer.from(`${this.id} ${position}`).toString('base64url');
  }

  /** @throws UpstashRefusal if this database didn't issue the token */
  parseSyncToken(syncToken: string): number {
    const [id, position] = Buffer.from(syncToken, 'base64url').toString().split(' ');
    if (id !== this.id) throw new UpstashRefusal(400, 'ERR invalid upstash-sync-token');
    return Number(position);
  }

  close(): void {
    this.isClosed = true;
    this.connection.close();
    this.replica?.close();
  }

  /** The connection to the primary, replaced if it was lost. */
  private get primary(): RespConnection {
    if (this.connection.isClosed && !this.isClosed) this.connection = RespConnection.openLazily(this.address);
    return this.connection;
  }

  /** Sends the commands together, so that no command of another request runs between them. */
  private async write(commands: RespCommand[], session: UpstashSession): Promise<RespReply> {
    this.writes += 1;
    session.position = this.writes;
    this.replica?.follow(commands, this.writes);
    const { primary } = this;
    const replies = await Promise.all(commands.map((command) => primary.send(command)));
    return replies.find(({ value }) => value.type === 'error') ?? replies.at(-1)!;
  }

  private async check(
    command: RespCommand,
    { readOnly }: UpstashSession,
  ): Promise<{ readonly: boolean; refusal?: RespReply }> {
    const name = command[0]!.toString().toLowerCase();
    const { supported, readonly, readOnlyToken } = await this.getTraits(name);
    const size = command.reduce((total, argument) => total + Buffer.byteLength(argument), 0);
    if (!supported) return { readonly, refusal: createErrorReply(`ERR Command is not available: '${name}'`) };
    if (size > this.maxRequestSize) return { readonly, refusal: this.createSizeError(size) };
    if (readOnly && !readOnlyToken) {
      return {
        readonly,
        refusal: createErrorReply(`NOPERM this user has no permissions to run the '${name}' command`),
      };
    }
    return { readonly };
  }

  private limitSize(reply: RespReply): RespReply {
    return reply.raw.length > this.maxRequestSize ? this.createSizeError(reply.raw.length) : reply;
  }

  private createSizeError(size: number): RespReply {
    return createErrorReply(
      `ERR max request size exceeded. Limit: ${this.maxRequestSize} bytes, Actual: ${size} bytes`,
    );
  }

  private async getTraits(name: string): Promise<CommandTraits> {
    let traits = this.traits.get(name);
    if (traits === undefined) {
      traits = this.primary.send(['COMMAND', 'INFO', name]).then(({ value }) => findTraits(name, value));
      this.traits.set(name, traits);
      traits.catch(() => this.traits.delete(name));
    }
    return traits;
  }
}

/** Command categories that REST doesn't support, because they need a connection. SUPPORTED has the exceptions. */
const UNSUPPORTED = ['@admin', '@blocking', '@connection', '@pubsub', '@transaction'];
const SUPPORTED = ['echo', 'ping', 'publish'];

function findTraits(name: string, commandInfo: RespValue): CommandTraits {
  const [info] = toItems(commandInfo);
  const [, , flags, , , , categories] = info === undefined ? [] : toItems(info);
  const includes = (set: RespValue | undefined, member: string): boolean =>
    set !== undefined && toItems(set).some((item) => item.type === 'status' && item.text === member);
  return {
    // Redis 6 has SELECT in no category.
    supported:
      SUPPORTED.includes(name) ||
      (flags !== undefined && name !== 'select' && !UNSUPPORTED.some((category) => includes(categories, category))),
    readonly: includes(flags, 'readonly'),
    readOnlyToken: includes(categories, '@read') && !includes(categories, '@dangerous') && name !== 'scan',
  };
}

function toItems(value: RespValue): RespValue[] {
  return value.type === 'array' ? value.items : [];
}

function createErrorReply(text: string): RespReply {
  return { value: { type: 'error', text }, raw: Buffer.from(`-${text}\r\n`) };
}
