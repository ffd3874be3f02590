import type { Payload } from '@temporalio/common';
import { buildCorsHeaders, checkOrigin, PREFLIGHT_HEADERS } from './cors';
import { HttpError } from './http-error';
import { PayloadOperations } from './operations';
import { resolveOptions, type PayloadHandler, type PayloadHandlerOptions, type ResolvedOptions } from './options';
import { parsePayloads } from './payload-parser';
import { writePayloads } from './payload-writer';
import { readJson } from './request-body';

type Operation = 'decode' | 'encode' | 'download';

/**
 * Creates the handler of a codec server: `POST …/decode`, `…/encode` and `…/download`, at any prefix. It decodes with the
 * `payloadCodecs` of `dataConverter`, and reads and writes its `externalStorage`, whatever drivers that has.
 *
 * @throws ValueError that names the option and what it got
 * @experimental
 */
export function createPayloadHandler(options: PayloadHandlerOptions): PayloadHandler {
  const resolved = resolveOptions(options);
  return async (request) => {
    const corsHeaders = buildCorsHeaders(request, resolved.allowedOrigins);
    const headers = { ...corsHeaders, 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };
    try {
      checkOrigin(request, resolved.allowedOrigins);
      if (request.method === 'OPTIONS') {
        return new Response(null, { status: 204, headers: { ...corsHeaders, ...PREFLIGHT_HEADERS } });
      }
      const payloads = await handlePost(request, resolved);
      return new Response(writePayloads(payloads), { headers: { ...headers, 'Content-Type': 'application/json' } });
    } catch (error) {
      const httpError = toHttpError(error, request);
      const cause: unknown = error instanceof HttpError ? error.cause : error;
      if (cause !== undefined && !request.signal.aborted) report(resolved, cause, request);
      return Response.json(
        { message: httpError.message },
        { status: httpError.status, headers: { ...headers, ...httpError.headers } },
      );
    }
  };
}

async function handlePost(request: Request, options: ResolvedOptions): Promise<Payload[]> {
  const { pathname, searchParams } = new URL(request.url);
  const operation = parseOperation(pathname);
  if (request.method !== 'POST') {
    throw new HttpError(`Use POST for /${operation}`, 405, { headers: { Allow: 'POST, OPTIONS' } });
  }
  await checkAuthorized(request, options);
  const payloads = await parsePayloads(await readJson(request, options.maxRequestBytes));
  const operations = new PayloadOperations(options, request, (error) => report(options, error, request));
  if (operation === 'encode') return operations.encode(payloads);
  if (operation === 'download') return operations.download(payloads);
  const preserveReferences = searchParams.get('preserveStorageRefs')?.toLowerCase() === 'true';
  return operations.decode(payloads, { preserveReferences });
}

function parseOperation(pathname: string): Operation {
  const operation = /\/(decode|encode|download)$/.exec(pathname)?.[1];
  if (operation === undefined) {
    throw new HttpError('A codec server answers POST requests to /decode, /encode and /download', 404);
  }
  return operation as Operation;
}

async function checkAuthorized(request: Request, { authorize }: ResolvedOptions): Promise<void> {
  const message = 'The codec server does not accept the authorization of this request';
  const headers = { 'WWW-Authenticate': 'Bearer' };
  let authorized: unknown;
  try {
    authorized = await authorize(request);
  } catch (cause) {
    throw new HttpError(message, 401, { cause, headers });
  }
  if (authorized !== true) throw new HttpError(message, 401, { headers });
}

function toHttpError(error: unknown, request: Request): HttpError {
  if (error instanceof HttpError) return error;
  // Nobody reads it. The status is the one that proxies log for this.
  if (request.signal.aborted) return new HttpError('The client closed the connection', 499);
  return new HttpError('The codec server failed: see its log', 500);
}

/** A listener that throws must not take the answer's place. */
function report({ onError }: ResolvedOptions, error: unknown, request: Request): void {
  try {
    onError(error, request);
  } catch {
    // It has nowhere else to go.
  }
}
