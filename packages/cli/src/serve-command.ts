import { once } from 'node:events';
import { ValueError } from '@temporalio/common';
import type { AddCommand } from './command';
import { addRedisOptions, pickRedisOptions, type RedisFlags } from './connection-options';
import { formatError } from './output/error';
import { DEFAULT_KEY_PREFIX } from './scan';
import { servePayloads } from './serve';
import type { ServeOptions } from './serve/options';

interface ServeFlags extends RedisFlags {
  keyPrefix: string;
  driverName: string;
  ttl?: string;
  host: string;
  port: string;
  allowedOrigin?: string[];
  authTokenFile?: string;
}

const HELP = `
Set the endpoint in the Web UI (Data Encoder), or run: temporal --codec-endpoint http://127.0.0.1:8081 workflow show …
A payload is served only to requests whose X-Namespace is the namespace of its key. GET /healthz answers 200 or 503.

Exit status: 0 ended by SIGINT or SIGTERM, 2 not served.`;

export const addServeCommand: AddCommand = (program, run) => {
  const command = program
    .command('serve')
    .description("Serves the payloads to Temporal's Web UI and CLI, as their codec server.")
    .option('--host <address>', 'address to listen on; not on this machine alone needs --auth-token-file', '127.0.0.1')
    .option('--port <number>', 'port to listen on; 0 for any free one', '8081')
    .option('--allowed-origin <url...>', "the Web UI's origins (default: http://localhost:8233)")
    .option('--auth-token-file <path>', 'file with the token that callers must send as Authorization: Bearer')
    .option('--key-prefix <prefix>', "the driver's keyPrefix", DEFAULT_KEY_PREFIX)
    .option('--driver-name <name>', "the driver's driverName", 'redis')
    .option('--ttl <duration>', "the driver's ttl, for payloads that /encode stores (default: none)");
  addRedisOptions(command)
    .addHelpText('after', HELP)
    .action(
      run(async ({ stdout, stderr, signal }, flags: ServeFlags) => {
        const onError = (error: unknown): void => void stderr.write(`Error: ${formatError(error)}\n`);
        const server = await servePayloads({ ...toServeOptions(flags), onError });
        stdout.write(`Serving payloads on ${server.url}\n`);
        if (!signal.aborted) await once(signal, 'abort');
        await server.close();
        return undefined;
      }),
    );
};

function toServeOptions(flags: ServeFlags): ServeOptions {
  const { keyPrefix, driverName, ttl, host, port, allowedOrigin, authTokenFile } = flags;
  if (!/^\d{1,5}$/.test(port)) throw new ValueError(`--port must be a whole number from 0 to 65535, got ${port}`);
  return {
    ...pickRedisOptions(flags),
    keyPrefix,
    driverName,
    ...((ttl === undefined ? {} : { ttl }) as Pick<ServeOptions, 'ttl'>),
    host,
    port: Number(port),
    ...(allowedOrigin !== undefined && { allowedOrigins: allowedOrigin }),
    ...(authTokenFile !== undefined && { authTokenFile }),
  };
}
