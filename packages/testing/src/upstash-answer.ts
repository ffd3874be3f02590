import type { UpstashFormat } from './upstash-request';
import type { RespReply, RespValue } from './upstash-resp';

type JsonFormat = Exclude<UpstashFormat, 'resp2'>;

/** An HTTP answer, whole. */
export interface UpstashAnswer {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

export function errorAnswer(status: number, message: string): UpstashAnswer {
  return jsonAnswer(status, `{"error":${JSON.stringify(message)}}`);
}

/** The answer to one command: 200, or 400 when Redis refused it. */
export function commandAnswer(reply: RespReply, format: UpstashFormat): UpstashAnswer {
  const status = reply.value.type === 'error' ? 400 : 200;
  return format === 'resp2' ? binaryAnswer(status, reply.raw) : jsonAnswer(status, outcome(reply.value, format));
}

/** The answer to a pipeline: one reply each, and 200 whatever they say. */
export function pipelineAnswer(replies: RespReply[], format: UpstashFormat): UpstashAnswer {
  if (format === 'resp2') return binaryAnswer(200, Buffer.concat(replies.map(({ raw }) => raw)));
  return outcomesAnswer(
    replies.map(({ value }) => value),
    format,
  );
}

/** The answer to a transaction, of what its `EXEC` replied; one that was discarded is a single error. */
export function transactionAnswer(exec: RespReply, format: JsonFormat): UpstashAnswer {
  return exec.value.type === 'array' ? outcomesAnswer(exec.value.items, format) : commandAnswer(exec, format);
}

function outcomesAnswer(values: RespValue[], format: JsonFormat): UpstashAnswer {
  return jsonAnswer(200, `[${values.map((value) => outcome(value, format)).join(',')}]`);
}

function outcome(value: RespValue, format: JsonFormat): string {
  return value.type === 'error' ? `{"error":${json(value, format)}}` : `{"result":${json(value, format)}}`;
}

/** As JSON text, in which an integer keeps all its digits and invalid UTF-8 becomes U+FFFD. */
function json(value: RespValue, format: JsonFormat): string {
  switch (value.type) {
    case 'null':
      return 'null';
    case 'integer':
      return value.digits;
    case 'error':
      return JSON.stringify(value.text);
    case 'status':
      return value.text === 'OK' ? '"OK"' : json({ type: 'bulk', bytes: Buffer.from(value.text) }, format);
    case 'bulk':
      return JSON.stringify(value.bytes.toString(format === 'base64' ? 'base64' : 'utf8'));
    default:
      return `[${value.items.map((item) => json(item, format)).join(',')}]`;
  }
}

function jsonAnswer(status: number, body: string): UpstashAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(body) };
}

function binaryAnswer(status: number, body: Buffer): UpstashAnswer {
  return { status, headers: { 'content-type': 'application/octet-stream' }, body };
}
