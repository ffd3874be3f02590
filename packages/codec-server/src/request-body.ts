import { HttpError } from './http-error';

/** How long a client may send nothing while its body is incomplete, in milliseconds. */
const IDLE_TIMEOUT_MS = 30_000;

/** How many arrays, objects and separators a body may hold. A hundred thousand references have six hundred thousand. */
const MAX_STRUCTURE = 1_000_000;

/** From this size on a body of brackets alone could take more memory than a process has. */
const SMALL_BODY_BYTES = 1024 * 1024;

/**
 * Reads a request's body and parses it as JSON.
 *
 * @throws HttpError 413 if it is larger than `maxBytes`, 408 if its sender stalls, 400 if it is cut off or not JSON
 */
export async function readJson(request: Request, maxBytes: number, idleTimeoutMs = IDLE_TIMEOUT_MS): Promise<unknown> {
  const body = await readBody(request, maxBytes, idleTimeoutMs);
  if (body.length > SMALL_BODY_BYTES) checkStructure(body);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown;
  } catch {
    // The parser's message would repeat a part of the body.
    throw new HttpError('The request body is not JSON in UTF-8', 400);
  }
}

async function readBody(request: Request, maxBytes: number, idleTimeoutMs: number): Promise<Uint8Array> {
  if (Number(request.headers.get('content-length')) > maxBytes) throw tooLarge(maxBytes);
  if (request.bodyUsed) {
    throw new HttpError('The request body was read already: authorize must leave it alone', 500);
  }
  if (request.body === null) return new Uint8Array();
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      const chunk = await withIdleTimeout(reader.read(), idleTimeoutMs);
      if (chunk.done) return Buffer.concat(chunks, size);
      size += chunk.value.length;
      if (size > maxBytes) throw tooLarge(maxBytes);
      chunks.push(chunk.value);
    }
  } catch (error) {
    // It may never settle where the client is gone.
    void reader.cancel().catch(() => {});
    throw error instanceof HttpError ? error : new HttpError('The request body was cut off', 400, { cause: error });
  }
}

async function withIdleTimeout<T>(read: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const idle = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new HttpError(`The request body stalled for ${timeoutMs} ms`, 408)), timeoutMs);
  });
  try {
    return await Promise.race([read, idle]);
  } finally {
    clearTimeout(timer);
  }
}

function tooLarge(maxBytes: number): HttpError {
  return new HttpError(`The request body is larger than ${maxBytes} bytes (maxRequestBytes)`, 413);
}

/** Base64 has none of these characters, so this refuses no large payload. */
function checkStructure(body: Uint8Array): void {
  for (const character of ['[', '{', ',']) {
    let count = 0;
    for (
      let at = body.indexOf(character.charCodeAt(0));
      at !== -1;
      at = body.indexOf(character.charCodeAt(0), at + 1)
    ) {
      if (++count > MAX_STRUCTURE) throw new HttpError(`The request body has more than ${MAX_STRUCTURE} values`, 413);
    }
  }
}
