import type { PayloadHandler } from '../src';

export const WEB_UI = 'http://localhost:8233';

/** A payload as JSON, in either form. */
export interface JsonPayload {
  metadata?: Record<string, string>;
  data?: string;
  externalPayloads?: { sizeBytes: string }[];
}

export interface Answer {
  status: number;
  headers: Headers;
  payloads: JsonPayload[];
  message: string;
}

/** Posts a body to a handler. An object becomes JSON. */
export async function post(
  handler: PayloadHandler,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const request = new Request(`http://localhost:8081${path}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'Content-Type': 'application/json', ...headers },
  });
  return readAnswer(await handler(request));
}

export async function readAnswer(response: Response): Promise<Answer> {
  const { status, headers } = response;
  const { payloads = [], message = '' } = (await response.json()) as Partial<Answer>;
  return { status, headers, payloads, message };
}

export function toBase64(data: string | Uint8Array): string {
  return Buffer.from(data as string).toString('base64');
}

export function fromBase64(data: string | undefined): string {
  return Buffer.from(data ?? '', 'base64').toString();
}

export function plain(data: string): JsonPayload {
  return { metadata: { encoding: toBase64('json/plain') }, data: toBase64(JSON.stringify(data)) };
}

/** A reference as the SDKs write it into Event History. */
export function reference(driverName: string, claimData: Record<string, unknown>, sizeBytes = 1000): JsonPayload {
  return {
    metadata: {
      encoding: toBase64('json/protobuf'),
      messageType: toBase64('temporal.api.sdk.v1.ExternalStorageReference'),
    },
    data: toBase64(JSON.stringify({ driverName, claimData })),
    externalPayloads: [{ sizeBytes: String(sizeBytes) }],
  };
}
