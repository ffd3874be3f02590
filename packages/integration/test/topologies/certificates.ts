import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A new certificate authority, and a certificate that it issued to a server on 127.0.0.1. */
export interface Certificates {
  ca: Buffer;
  certFile: string;
  keyFile: string;
  remove(): Promise<void>;
}

const EC_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** Creates certificates that are valid for a day, in a folder that `remove` deletes. */
export async function createCertificates(): Promise<Certificates> {
  const cwd = await mkdtemp(join(tmpdir(), 'certificates-'));
  const remove = (): Promise<void> => rm(cwd, { recursive: true, force: true });
  const openssl = (...args: string[]): Promise<unknown> => run('openssl', args, { cwd });
  const ca = ['-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=Certificate authority of a test'];
  const request = ['-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=Server of a test'];
  const issue = ['-in', 'server.csr', '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-out', 'server.crt'];
  try {
    await writeFile(join(cwd, 'extensions'), 'subjectAltName=IP:127.0.0.1');
    await openssl('req', '-x509', ...EC_KEY, ...ca, '-days', '1');
    await openssl('req', ...EC_KEY, ...request);
    await openssl('x509', '-req', ...issue, '-days', '1', '-extfile', 'extensions');
    return {
      ca: await readFile(join(cwd, 'ca.crt')),
      certFile: join(cwd, 'server.crt'),
      keyFile: join(cwd, 'server.key'),
      remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
