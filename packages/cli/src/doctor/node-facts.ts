import { ErrorReply } from 'redis';
import type { RedisNode } from '../redis-connection';

/** A node's answers about itself. Fields that it hides, or that the user may not see, are absent. */
export interface NodeFacts {
  /** The fields of `INFO`; empty if it is refused. */
  info: Map<string, string>;
  /** Settings, from `CONFIG GET`; empty if it is refused. */
  config: Map<string, string>;
}

const SETTINGS = ['maxmemory', 'maxmemory-policy', 'appendonly', 'appendfsync', 'save', 'min-replicas-to-write'];

/** How a server refuses a command that the user may not use, or that doesn't exist (under that name). */
const REFUSED = /^(?:NOPERM|ERR unknown (?:command|subcommand)|ERR .*not (?:allowed|supported|permitted))/i;

/** Whether a server refused a command, rather than failed. */
export function isRefused(error: unknown): boolean {
  return REFUSED.test((error as Error).message);
}

/** Whether a server answered a command by an error. */
export function isReply(error: unknown): error is Error {
  return error instanceof ErrorReply;
}

export async function readFacts(node: RedisNode): Promise<NodeFacts> {
  const info = await ignoreRefusal(node.sendCommand(['INFO']));
  const config = new Map<string, string>();
  for (const setting of SETTINGS) {
    const reply = await ignoreRefusal(node.sendCommand(['CONFIG', 'GET', setting]));
    if (!Array.isArray(reply) || typeof reply[1] !== 'string') continue;
    config.set(setting, reply[1]);
  }
  return { info: parseInfo(typeof info === 'string' ? info : ''), config };
}

function parseInfo(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0 && !line.startsWith('#')) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}

async function ignoreRefusal(reply: Promise<unknown>): Promise<unknown> {
  try {
    return await reply;
  } catch (error) {
    if (isRefused(error)) return undefined;
    throw error;
  }
}
