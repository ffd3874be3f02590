import { HttpError } from './http-error';
import { LongStringParser } from './long-strings';
import { createPause } from './pause';

/** How long a client may send nothing while its body is incomplete, in milliseconds. */
const IDLE_TIMEOUT_MS = 30_000;

/** How much to parse between two pauses, in bytes. */
const SLICE_BYTES = 256 * 1024;

/** What a body of JSON says. */
export interface JsonBody {
  value: unknown;
  /** The pieces, in order, of a string that is the value of a property in `value`. Long ones were taken out of it. */
  expand: (text: string) => string[];
}

/**
 * Reads a request's body and parses it as JSON.
 *
 * @throws HttpError 413 if it is larger than `maxBytes`, 408 if its sender stalls, 400 if it is cut off or not JSON
 */
export async function readJson(request: Request, maxBytes: number, idleTimeoutMs = IDLE_TIMEOUT_MS): Promise<JsonBody> {
  const parser = new LongStringParser();
  const pause = createPause();
  for await (const chunk of readBody(request, maxBytes, idleTimeoutMs)) {
    for (let start = 0; start < chunk.length; start += SLICE_BYTES) {
      parser.add(chunk.subarray(start, start + SLICE_BYTES));
      await pause();
    }
  }
  try {
    return { value: parser.parse(), expand: (text) => parser.expand(text) };
  } catch {
    // The parser's message would repeat a part of the body.
    throw new HttpError('The request body is not JSON in UTF-8', 400);
  }
}

async function* readBody(request: Request, maxBytes: number, idleTimeoutMs: number): AsyncGenerator<Buffer> {
  if (Number(request.headers.get('content-length')) > maxBytes) throw tooLarge(maxBytes);
  if (request.bodyUsed) {
    throw new HttpError('The request body was read already: authorize must leave it alone', 500);
  }
  if (request.body === null) return;
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader();
  let size = 0;
  let isRead = false;
  try {
    for (;;) {
      const chunk = await withIdleTimeout(reader.read(), idleTimeoutMs);
      isRead = chunk.done;
      if (chunk.done) return;
      size += chunk.value.length;
      if (size > maxBytes) throw tooLarge(maxBytes);
      yield Buffer.from(chunk.value.buffer, chunk.value.byteOffset, chunk.value.byteLength);
    }
  } catch (error) {
    throw error instanceof HttpError ? error : new HttpError('The request body was cut off', 400, { cause: error });
  } finally {
    // It may never settle where the client is gone.
    if (!isRead) void reader.cancel().catch(() => {});
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
