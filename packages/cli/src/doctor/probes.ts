import { randomBytes, randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { NodeRedisStorageDriverClient } from '@temporal-redis-storage/node-redis';
import { formatBytes } from '../output/units';
import { withReplyTimeout, type RedisConnection, type RedisNode } from '../redis-connection';
import { isRefused, isReply, type NodeFacts } from './node-facts';
import type { DoctorFinding, ResolvedDoctorOptions, Severity } from './options';
import { readMaxMemory, readPolicy } from './server-findings';

/** Probe keys expire by themselves should the process be killed, or `DEL` be refused. */
const PROBE_TTL_MS = 60_000;

const PINGS = 20;
const SLOW_PING_MS = 50;
const MAX_KEYS_TRIED = 1000;

/** A command of the driver that its user may be refused, and the consequence. */
interface NeededCommand {
  name: string;
  build: (key: string) => string[];
  severity: Severity;
  consequence: string;
}

const NEEDED: NeededCommand[] = [
  // First, while the key doesn't exist: a string refuses it.
  {
    name: 'SREM',
    build: (key) => ['SREM', key, ''],
    severity: 'warning',
    consequence: 'large payloads are sent even if Redis has them',
  },
  {
    name: 'SET',
    build: (key) => ['SET', key, 'probe', 'NX', 'PX', String(PROBE_TTL_MS)],
    severity: 'error',
    consequence: 'nothing can be stored',
  },
  { name: 'GET', build: (key) => ['GET', key], severity: 'error', consequence: 'nothing can be read' },
  {
    name: 'GETEX',
    build: (key) => ['GETEX', key],
    severity: 'warning',
    consequence: 'a missing payload is an error that Temporal retries forever',
  },
  {
    name: 'EVAL',
    build: (key) => ['EVAL', "return redis.call('GET', KEYS[1])", '1', key],
    severity: 'warning',
    consequence:
      'large payloads are sent even if Redis has them, `extendTtl` fails, and with node-redis a missing payload is an error that Temporal retries forever',
  },
  {
    name: 'STRLEN',
    build: (key) => ['STRLEN', key],
    severity: 'warning',
    consequence: 'a key with another value than its payload is not noticed when that is stored',
  },
  { name: 'PTTL', build: (key) => ['PTTL', key], severity: 'warning', consequence: '`extendTtl` fails' },
  {
    name: 'PEXPIRE',
    build: (key) => ['PEXPIRE', key, String(PROBE_TTL_MS)],
    severity: 'warning',
    consequence: '`renew` and `extendTtl` cannot extend a TTL',
  },
];

/** Uses a node as the driver does, with probe keys, which it removes. */
export async function probeNode(
  redis: RedisConnection,
  node: RedisNode,
  facts: NodeFacts,
  { keyPrefix, maxPayloadSize }: ResolvedDoctorOptions,
): Promise<DoctorFinding[]> {
  const permissions = await withProbeKey(node, keyPrefix, async (key) => tryCommands(node, key));
  const latency = await measureLatency(node);
  if (permissions.some(({ severity }) => severity === 'error')) return [...permissions, latency];
  const payloads = new NodeRedisStorageDriverClient(redis.client);
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  return [
    ...permissions,
    latency,
    await withProbeKey(node, keyPrefix, async (key) => tryPayload('bytes', payloads, node, key, bytes)),
    await withProbeKey(node, keyPrefix, async (key) => tryLargest(payloads, node, key, facts, maxPayloadSize)),
  ];
}

/** Each probe has a key that no other has used, as `DEL` may be refused. */
async function withProbeKey<T>(node: RedisNode, keyPrefix: string, probe: (key: string) => Promise<T>): Promise<T> {
  const key = await findKeyOfNode(node, keyPrefix);
  try {
    return await probe(key);
  } finally {
    await remove(node, key);
  }
}

/** On a Cluster, a key that this node holds. A replica holds none. */
async function findKeyOfNode(node: RedisNode, keyPrefix: string): Promise<string> {
  for (let tried = 1; ; tried += 1) {
    const key = [keyPrefix, 'v0', 'doctor', randomUUID()].filter((segment) => segment !== '').join(':');
    try {
      await node.sendCommand(['GET', key]);
      return key;
    } catch (error) {
      if (tried === MAX_KEYS_TRIED || !/^(?:MOVED|ASK) /.test((error as Error).message)) return key;
    }
  }
}

async function tryCommands(node: RedisNode, key: string): Promise<DoctorFinding[]> {
  const refused: NeededCommand[] = [];
  for (const command of NEEDED) {
    try {
      await node.sendCommand(command.build(key));
    } catch (error) {
      if (!isRefused(error)) return [createWriteFinding(command.name, error)];
      refused.push(command);
    }
  }
  const writes: DoctorFinding = { code: 'writes', severity: 'ok', seen: 'accepted', advice: '' };
  if (refused.length === 0) {
    const seen = `${NEEDED.map(({ name }) => name).join(', ')} allowed under the prefix`;
    return [writes, { code: 'permissions', severity: 'ok', seen, advice: '' }];
  }
  const permissions: DoctorFinding = {
    code: 'permissions',
    severity: refused.some(({ severity }) => severity === 'error') ? 'error' : 'warning',
    seen: refused.map(({ name, consequence }) => `${name} refused (${consequence})`).join('; '),
    advice: "Allow the worker's user these commands under the prefix (ACL SETUSER).",
  };
  return refused.some(({ name }) => name === 'SET') ? [permissions] : [writes, permissions];
}

/** Redis allows the command, and can't carry it out: it is full, a replica, or can't save. */
function createWriteFinding(command: string, error: unknown): DoctorFinding {
  const { message } = error as Error;
  return {
    code: 'writes',
    severity: 'error',
    seen: `${command} failed: ${message}`,
    advice: WRITE_ADVICE.find(([pattern]) => pattern.test(message))?.[1] ?? "Look at Redis's log.",
  };
}

const WRITE_ADVICE: [pattern: RegExp, advice: string][] = [
  [/^OOM /, 'Give Redis more maxmemory, or payloads a ttl. Do not let it evict.'],
  [/^(?:READONLY|MOVED) /, 'Connect to the primary.'],
  [/^MISCONF /, "Free disk space, check permissions, and look at Redis's log."],
  [/^NOREPLICAS /, 'Bring the replicas back: fewer are in step than min-replicas-to-write asks for.'],
  [/^CLUSTERDOWN /, 'Bring the missing nodes back, or fail over: slots are without a primary.'],
  [/^LOADING /, 'Wait until Redis has loaded its data.'],
  [/^MASTERDOWN /, 'Connect to the primary; this replica has lost it.'],
];

async function measureLatency(node: RedisNode): Promise<DoctorFinding> {
  const code = 'latency';
  const times: number[] = [];
  try {
    for (let ping = 0; ping < PINGS; ping += 1) {
      const start = performance.now();
      await node.sendCommand(['PING']);
      times.push(performance.now() - start);
    }
  } catch (error) {
    if (isRefused(error)) return { code, severity: 'unknown', seen: 'PING is refused', advice: '' };
    // Redis answers so that a load balancer avoids it, if it can't save for instance. Its writes fail too.
    if (!isReply(error)) throw error;
    return { code, severity: 'unknown', seen: `PING failed: ${error.message}`, advice: 'See writes.' };
  }
  const sorted = times.toSorted((a, b) => a - b);
  const median = sorted[PINGS / 2]!;
  const seen = `round trip ${median.toFixed(1)} ms, at most ${sorted.at(-1)!.toFixed(1)} ms of ${PINGS}`;
  if (median <= SLOW_PING_MS) return { code, severity: 'ok', seen, advice: '' };
  return { code, severity: 'warning', seen, advice: 'Run Redis near the workers: each payload costs a round trip.' };
}

async function tryLargest(
  payloads: NodeRedisStorageDriverClient,
  node: RedisNode,
  key: string,
  facts: NodeFacts,
  size: number,
): Promise<DoctorFinding> {
  const code = 'payload-limit';
  if (!isRoomFor(size, facts)) {
    return {
      code,
      severity: 'unknown',
      seen: `a payload of ${formatBytes(size)} was not tried: there may be too little memory, and Redis may evict`,
      advice: 'See eviction-policy and memory.',
    };
  }
  return tryPayload(code, payloads, node, key, randomBytes(size));
}

/** Whether a value can be written without evicting others. */
function isRoomFor(size: number, facts: NodeFacts): boolean {
  if (readPolicy(facts) === 'noeviction') return true;
  const max = readMaxMemory(facts);
  if (max === 0) return true;
  const used = Number(facts.info.get('used_memory') ?? Infinity);
  return max !== undefined && max - used > 3 * size;
}

async function tryPayload(
  code: string,
  payloads: NodeRedisStorageDriverClient,
  node: RedisNode,
  key: string,
  data: Buffer,
): Promise<DoctorFinding> {
  const size = formatBytes(data.length);
  try {
    const start = performance.now();
    await withReplyTimeout(node.address, payloads.setIfAbsent(key, data, { ttlMs: PROBE_TTL_MS }));
    const read = await withReplyTimeout(node.address, payloads.get(key));
    const seen = `${size} written and read in ${Math.round(performance.now() - start)} ms`;
    if (read !== null && data.equals(read)) return { code, severity: 'ok', seen, advice: '' };
    const advice = 'A proxy or gateway between here and Redis changes values: connect without it.';
    return { code, severity: 'error', seen: `${size} came back changed, or not at all`, advice };
  } catch (error) {
    const advice =
      'Set maxPayloadSize (--max-payload-size) to a size that Redis accepts, or raise its limits (proto-max-bulk-len, maxmemory).';
    return { code, severity: 'error', seen: `${size} failed at ${node.address}: ${(error as Error).message}`, advice };
  }
}

/** Workers need no `DEL`, so that their user may not have it: `SET` can let a key expire as well. */
async function remove(node: RedisNode, key: string): Promise<void> {
  const attempts = [
    ['DEL', key],
    ['SET', key, '', 'XX', 'PX', '1'],
  ];
  for (const attempt of attempts) {
    try {
      await node.sendCommand(attempt);
      return;
    } catch {
      // If nothing else does, the key expires within a minute.
    }
  }
}
