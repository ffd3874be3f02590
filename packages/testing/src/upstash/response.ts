import type { UpstashFormat } from './request';
import type { RespReply, RespValue } from './resp';

type JsonFormat = Exclude<UpstashFormat, 'resp2'>;

/** A complete HTTP response. */
export interface UpstashResponse {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

export function createErrorResponse(status: number, message: string): UpstashResponse {
  return createJsonResponse(status, `{"error":${JSON.stringify(message)}}`);
}

/** The response to one command: 200, or 400 if Redis refused it. */
export function createCommandResponse(reply: RespReply, format: UpstashFormat): UpstashResponse {
  const status = reply.value.type === 'error' ? 400 : 200;
  return format === 'resp2'
    ? createBinaryResponse(status, reply.raw)
    : createJsonResponse(status, formatOutcome(reply.value, format));
}

/** The response to a pipeline: one reply for each command, and always 200. */
export function createPipelineResponse(replies: RespReply[], format: UpstashFormat): UpstashResponse {
  if (format === 'resp2') return createBinaryResponse(200, Buffer.concat(replies.map(({ raw }) => raw)));
  return createOutcomesResponse(
    replies.map(({ value }) => value),
    format,
  );
}

/** The response to a transaction, made of the reply to its `EXEC`. A discarded transaction is a single error. */
export function createTransactionResponse(exec: RespReply, format: JsonFormat): UpstashResponse {
  return exec.value.type === 'array'
    ? createOutcomesResponse(exec.value.items, format)
    : createCommandResponse(exec, format);
}

function createOutcomesResponse(values: RespValue[], format: JsonFormat): UpstashResponse {
  return createJsonResponse(200, `[${values.map((value) => formatOutcome(value, format)).join(',')}]`);
}

function formatOutcome(value: RespValue, format: JsonFormat): string {
  return value.type === 'error' ? `{"error":${formatJson(value, format)}}` : `{"result":${formatJson(value, format)}}`;
}

/** The value as JSON text. An integer keeps all its digits, and invalid UTF-8 becomes U+FFFD. */
function formatJson(value: RespValue, format: JsonFormat): string {
  switch (value.type) {
    case 'null':
      return 'null';
    case 'integer':
      return value.digits;
    case 'error':
      return JSON.stringify(value.text);
    case 'status':
      return value.text === 'OK' ? '"OK"' : formatJson({ type: 'bulk', bytes: Buffer.from(value.text) }, format);
    case 'bulk':
      return JSON.stringify(value.bytes.toString(format === 'base64' ? 'base64' : 'utf8'));
    default:
      return `[${value.items.map((item) => formatJson(item, format)).join(',')}]`;
  }
}

function createJsonResponse(status: number, body: string): UpstashResponse {
  return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(body) };
}

function createBinaryResponse(status: number, body: Buffer): UpstashResponse {
  return { status, headers: { 'content-type': 'application/octet-stream' }, body };
}
