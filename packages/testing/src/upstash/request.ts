import type { IncomingHttpHeaders } from 'node:http';
import type { RespCommand } from './resp';

/** A complete HTTP request. */
export interface UpstashRequest {
  method: string;
  /** The path and the query, not decoded. */
  url: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export type UpstashFormat = 'json' | 'base64' | 'resp2';

/** A parsed request: its commands, and the requested form of the response. */
export type UpstashOperation =
  | { kind: 'command'; command: RespCommand; format: UpstashFormat }
  | { kind: 'pipeline'; commands: RespCommand[]; format: UpstashFormat }
  | { kind: 'multi-exec'; commands: RespCommand[]; format: Exclude<UpstashFormat, 'resp2'> };

/** The REST API's HTTP error for a request. The message is Upstash's own if it is documented. */
export class UpstashRefusal extends Error {
  constructor(
    readonly status: 400 | 401 | 405,
    message: string,
  ) {
    super(message);
  }
}

/** The token in a request's header or query. */
export function parseToken({ url, headers }: UpstashRequest): string | undefined {
  return headers.authorization?.match(/^Bearer (.+)$/)?.[1] ?? parseQuery(url).find(([name]) => name === '_token')?.[1];
}

/**
 * Parses a request as Upstash's documentation ("REST API") describes it. Refuses requests that the documentation doesn't
 * describe, so that no client relies on them.
 *
 * @throws UpstashRefusal
 */
export function parseOperation(request: UpstashRequest): UpstashOperation {
  const { method, url, body } = request;
  if (!['HEAD', 'GET', 'POST', 'PUT'].includes(method)) {
    throw new UpstashRefusal(405, `ERR method ${method} is not allowed`);
  }
  const path = url.replace(/\?.*$/, '');
  switch (path) {
    case '/':
      return { kind: 'command', command: parseCommand(parseJson(body)), format: parseFormat(request) };
    case '/pipeline':
      return { kind: 'pipeline', commands: parseCommands(body), format: parseFormat(request) };
    case '/multi-exec': {
      const format = parseFormat(request);
      if (format === 'resp2') throw new UpstashRefusal(400, 'ERR /multi-exec supports only the JSON format');
      return { kind: 'multi-exec', commands: parseCommands(body), format };
    }
    default:
      return { kind: 'command', command: parsePathCommand(path, request), format: parseFormat(request) };
  }
}

function parseFormat({ headers }: UpstashRequest): UpstashFormat {
  const { 'upstash-response-format': format = 'json', 'upstash-encoding': encoding } = headers;
  if (format !== 'json' && format !== 'resp2') throw new UpstashRefusal(400, 'ERR invalid Upstash-Response-Format');
  if (encoding === undefined) return format;
  if (encoding !== 'base64') throw new UpstashRefusal(400, 'ERR invalid Upstash-Encoding');
  if (format === 'resp2') throw new UpstashRefusal(400, 'ERR Upstash-Encoding is not permitted with resp2');
  return 'base64';
}

/** `COMMAND/arg1/…/argN`, then the body as one more argument, then the query's pairs in their order. */
function parsePathCommand(path: string, { url, body }: UpstashRequest): RespCommand {
  const segments = path.slice(1).split('/').map(decode);
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..')) {
    throw new UpstashRefusal(400, 'ERR an empty path segment, or one of dots, is not documented');
  }
  const options = parseQuery(url).filter(([name]) => name !== '_token');
  // `POST /info` is documented to be `INFO`, so an empty body is not an argument.
  if (body.length === 0) {
    if (options.length > 0) throw new UpstashRefusal(400, 'ERR query parameters without a body are not documented');
    return segments;
  }
  return [...segments, body, ...options.flat()];
}

function parseQuery(url: string): [name: string, value: string][] {
  const query = url.replace(/^[^?]*\??/, '');
  return query.split('&').flatMap((pair) => {
    if (query === '') return [];
    const [, name, value] = /^([^=]+)=(.+)$/.exec(pair) ?? [];
    if (name === undefined || value === undefined) {
      throw new UpstashRefusal(400, 'ERR a query parameter without a value is not documented');
    }
    return [[decode(name), decode(value)]];
  });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new UpstashRefusal(400, 'ERR malformed percent-encoding');
  }
}

function parseCommands(body: Buffer): RespCommand[] {
  const rows = parseJson(body);
  if (!Array.isArray(rows) || rows.length === 0) throw new UpstashRefusal(400, 'ERR expected an array of commands');
  return rows.map(parseCommand);
}

function parseCommand(row: unknown): RespCommand {
  if (!Array.isArray(row) || row.length === 0) throw new UpstashRefusal(400, 'ERR expected a command as an array');
  return row.map((argument: unknown) => {
    // Booleans are not documented, but @upstash/redis sends them.
    if (!['string', 'number', 'boolean'].includes(typeof argument)) {
      throw new UpstashRefusal(400, 'ERR unsupported arg type');
    }
    return String(argument);
  });
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new UpstashRefusal(400, 'ERR failed to parse the body as JSON');
  }
}
