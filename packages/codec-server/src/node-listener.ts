import type { IncomingMessage, ServerResponse } from 'node:http';
import { HttpError } from './http-error';
import type { PayloadHandler } from './options';

/** How long to go on reading a body that was refused, in milliseconds. */
const DRAIN_TIMEOUT_MS = 10_000;

/**
 * Turns the handler into a listener for `http.createServer`, `https.createServer` and frameworks that hand on Node's
 * request and response, such as Express and Fastify. It must come before anything that reads request bodies.
 *
 * @experimental
 */
export function toNodeListener(handler: PayloadHandler): (request: IncomingMessage, response: ServerResponse) => void {
  return (incoming, outgoing) => {
    void answer(handler, incoming, outgoing).catch(() => outgoing.destroy());
  };
}

async function answer(handler: PayloadHandler, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const disconnected = new AbortController();
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) disconnected.abort(new Error('The client closed the connection'));
  });
  // Without a listener an error of the connection ends the process. Whoever reads or writes at the time gets it too.
  incoming.on('error', () => {});
  outgoing.on('error', () => {});

  await send(await handle(handler, incoming, disconnected.signal), outgoing);
  drain(incoming);
}

async function handle(handler: PayloadHandler, incoming: IncomingMessage, signal: AbortSignal): Promise<Response> {
  if (incoming.readableDidRead) {
    return fail(new HttpError('The request body was read already: mount the codec server before any body parser', 500));
  }
  const request = toRequest(incoming, signal);
  if (request === undefined) return fail(new HttpError('The request line or a header is malformed', 400));
  return handler(request);
}

function fail({ message, status }: HttpError): Response {
  return Response.json({ message }, { status });
}

/** Returns undefined for what `Request` doesn't take: methods such as TRACE, and URLs that are none. */
function toRequest(incoming: IncomingMessage, signal: AbortSignal): Request | undefined {
  const { method = 'GET', url = '/', rawHeaders } = incoming;
  try {
    const headers = new Headers();
    for (let at = 0; at < rawHeaders.length; at += 2) headers.append(rawHeaders[at]!, rawHeaders[at + 1]!);
    const body = method === 'GET' || method === 'HEAD' ? null : toBody(incoming);
    return new Request(toUrl(url, headers.get('host')), { method, headers, body, duplex: 'half', signal });
  } catch {
    return undefined;
  }
}

/** Only path and query matter to the handler; the host is there for `authorize`. */
function toUrl(path: string, host: string | null): URL {
  const base = `http://${host ?? 'localhost'}`;
  // A path may begin with two slashes, which would make its first part a host.
  return path.startsWith('/') ? new URL((URL.canParse(base) ? base : 'http://localhost') + path) : new URL(path);
}

/** `Readable.toWeb` would destroy the connection when the body is given up, and the answer with it. */
function toBody(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  const chunks = incoming.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = await chunks.next();
        if (chunk.done) controller.close();
        else controller.enqueue(chunk.value);
      },
      cancel() {
        // It settles after a read that is waiting for the client. Until then the iterator keeps the body from flowing.
        void chunks.return?.().then(
          () => incoming.resume(),
          () => {},
        );
      },
    },
    { highWaterMark: 0 },
  );
}

async function send(response: Response, outgoing: ServerResponse): Promise<void> {
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (response.body !== null) {
    // Leaving the loop cancels the body.
    for await (const chunk of response.body) {
      if (!outgoing.write(chunk)) await waitForDrain(outgoing);
      if (outgoing.destroyed) return;
    }
  }
  outgoing.end();
}

async function waitForDrain(outgoing: ServerResponse): Promise<void> {
  if (outgoing.destroyed) return;
  await new Promise<void>((resolve) => {
    const settle = (): void => {
      outgoing.off('drain', settle).off('close', settle);
      resolve();
    };
    outgoing.on('drain', settle).on('close', settle);
  });
}

/** Reads the rest of a body that was refused: the connection can't be used again before, and closing it loses the answer. */
function drain(incoming: IncomingMessage): void {
  if (incoming.complete || incoming.socket.destroyed) return;
  const timer = setTimeout(() => incoming.destroy(), DRAIN_TIMEOUT_MS);
  const stop = (): void => {
    clearTimeout(timer);
    incoming.off('end', stop).socket.off('close', stop);
  };
  incoming.once('end', stop).socket.once('close', stop);
  incoming.resume();
}
