import type { UpstashSettings } from './settings';
import { createRequestError } from './request-error';
import { parseReply, type RespReply } from './resp2';
import { fetchWithRetries, type HttpResponse } from './retry';

/** A command; its last argument may be bytes. */
export interface Command {
  args: [name: string, ...args: string[]];
  value?: Uint8Array;
}

export interface RequestOptions {
  abortSignal?: AbortSignal | undefined;
  /** The write that a replica must have seen before it serves the command. */
  syncToken?: string | undefined;
}

export interface CommandResult {
  reply: RespReply;
  syncToken: string | undefined;
}

/**
 * Runs one command through the REST API. Retrying is safe because every command of the adapter may be run twice.
 *
 * @throws UpstashRequestError
 */
export async function sendCommand(
  settings: UpstashSettings,
  command: Command,
  { abortSignal, syncToken }: RequestOptions,
): Promise<CommandResult> {
  const { baseUrl, token, keepAlive } = settings;
  const { signal, release } = anySignal(abortSignal, settings.signal());
  const { path, body, contentType } = encodeCommand(command);
  const init: RequestInit & { cache: 'no-store' } = {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': contentType,
      'upstash-response-format': 'resp2',
      ...(syncToken !== undefined && { 'upstash-sync-token': syncToken }),
      ...(!keepAlive && { connection: 'close' }),
    },
    body,
    // A framework's fetch may cache, and a redirected POST arrives as a GET.
    cache: 'no-store',
    redirect: 'manual',
    signal,
  };
  const response = await fetchWithRetries(settings, signal, () => fetchResponse(baseUrl + path, init)).finally(release);
  if (response.status !== 200 || isErrorReply(response)) {
    throw createRequestError(command.args[0], response.status, response.body, token);
  }
  return { reply: parseReply(response.body), syncToken: response.headers.get('upstash-sync-token') ?? undefined };
}

/**
 * Bytes are sent as the body, which Upstash appends to the command in the path. A command without bytes, or with zero bytes
 * (an empty body isn't an argument), is sent as a JSON array.
 */
function encodeCommand({ args, value }: Command): { path: string; body: string | Uint8Array; contentType: string } {
  if (value === undefined || value.length === 0) {
    const body = JSON.stringify(value === undefined ? args : [...args, '']);
    return { path: '/', body, contentType: 'application/json' };
  }
  return {
    path: args.map((argument) => `/${encodePathSegment(argument)}`).join(''),
    body: value,
    contentType: 'application/octet-stream',
  };
}

/** @throws TypeError for segments that URL parsers drop, percent-encoded or not: the command would become another one */
function encodePathSegment(argument: string): string {
  if (argument === '' || argument === '.' || argument === '..') {
    throw new TypeError(`The key '${argument}' can't be sent in a URL path`);
  }
  return encodeURIComponent(argument);
}

async function fetchResponse(url: string, init: RequestInit): Promise<HttpResponse> {
  const response = await fetch(url, init);
  const body = new Uint8Array(await response.arrayBuffer());
  return { status: response.status, headers: response.headers, body };
}

function isErrorReply({ body }: HttpResponse): boolean {
  return body[0] === '-'.charCodeAt(0);
}

/**
 * A signal that aborts with any of the given ones, until it is released. `AbortSignal.any` leaks on a signal that outlives
 * the request (nodejs/node#64476).
 */
function anySignal(...signals: (AbortSignal | undefined)[]): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const released = new AbortController();
  for (const source of signals) {
    const follow = (): void => controller.abort(source?.reason);
    if (source?.aborted) follow();
    source?.addEventListener('abort', follow, { signal: released.signal });
  }
  return { signal: controller.signal, release: () => released.abort() };
}
