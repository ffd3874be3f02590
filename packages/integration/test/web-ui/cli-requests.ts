/** A request to the codec server. */
export interface CliRequest {
  path: string;
  headers: Record<string, string>;
  body: string;
}

export const NAMESPACE = 'default';
export const TOKEN = 'Bearer token';

/** A workflow whose first argument of two is in Redis. */
export const WORKFLOW = { id: 'order-1', type: 'shipOrder' };

/** The large input of another one, as the CLI reads it from a file. */
export const INPUT = `{"note":"${'y'.repeat(400_000)}"}`;

function post(path: string, body: string): CliRequest {
  const headers = {
    host: 'localhost:8081',
    'user-agent': 'Go-http-client/1.1',
    'content-length': String(body.length),
    authorization: TOKEN,
    'content-type': 'application/json',
    'x-namespace': NAMESPACE,
    'accept-encoding': 'gzip',
  };
  return { path, headers, body };
}

/** What the CLI 1.8.2 sends for `temporal workflow show`: Go's own JSON, and no query. */
export const SHOW = post(
  '/decode',
  '{"payloads":[{"metadata":{"encoding":"anNvbi9wcm90b2J1Zg==","messageType":"dGVtcG9yYWwuYXBpLnNkay52MS5FeHRlcm5hbFN0b3JhZ2VSZWZlcmVuY2U="},"data":"eyJkcml2ZXJOYW1lIjoicmVkaXMiLCJjbGFpbURhdGEiOnsia2V5IjoidGVtcG9yYWxpbzpwYXlsb2Fkczp2MDpuczpkZWZhdWx0Ond0OnNoaXBPcmRlcjp3aTpvcmRlci0xOnJpOm51bGw6ZDpzaGEyNTY6YjJkNWZiN2YzNjRmODY2MTRiYTgzOWJhYzg2OTY5YTNiY2JjNDFjM2EzOTU0NmNmZTU3NWQzNDI1NmM2MTU5YiIsImhhc2hfYWxnb3JpdGhtIjoic2hhMjU2IiwiaGFzaF92YWx1ZSI6ImIyZDVmYjdmMzY0Zjg2NjE0YmE4MzliYWM4Njk2OWEzYmNiYzQxYzNhMzk1NDZjZmU1NzVkMzQyNTZjNjE1OWIiLCJzaXplIjoiMjAzOCJ9fQ==","external_payloads":[{"size_bytes":2038}]},{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"InNtYWxsIg=="}]}',
);

/** What it sends for `temporal workflow start --input-file`. */
export const START = post(
  '/encode',
  `{"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"${Buffer.from(INPUT).toString('base64')}"}]}`,
);
