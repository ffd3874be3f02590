import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporal as proto } from '@temporalio/proto';
import type { RunReference } from './run-references';

const { Payload } = proto.api.common.v1;

const EXTENSIONS: Record<string, string> = {
  'json/plain': 'json',
  'json/protobuf': 'json',
  'binary/plain': 'bin',
};

/** Creates a directory that only its owner can read, unless it exists. */
export async function createDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
}

/**
 * Writes a payload into a file that only its owner can read, named by its event. Plain payloads are written as the data
 * that they hold, others (encrypted ones) as the serialized `Payload`. Rejects if the file exists.
 */
export async function savePayload(directory: string, reference: RunReference, bytes: Uint8Array): Promise<void> {
  const { data, extension } = parsePayload(bytes);
  const { eventId, event, field } = reference;
  const name = [eventId ?? 'now', ...(eventId === null ? [] : [event]), field].join('-');
  const path = join(directory, `${name.replaceAll(/[^\w.[\]-]/g, '_').slice(0, 200)}.${extension}`);
  try {
    await writeFile(path, data, { flag: 'wx', mode: 0o600 });
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code === 'EEXIST' ? ': it exists. Give an empty directory' : '';
    throw new Error(`Cannot write ${path}${reason} (--save)`, { cause });
  }
}

function parsePayload(bytes: Uint8Array): { data: Uint8Array; extension: string } {
  const payload = Payload.decode(bytes);
  const encoding = Buffer.from(payload.metadata['encoding'] ?? []).toString();
  const extension = EXTENSIONS[encoding];
  return extension === undefined ? { data: bytes, extension: 'payload' } : { data: payload.data, extension };
}
