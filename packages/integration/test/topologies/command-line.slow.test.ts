import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { Client, Connection } from '@temporalio/client';
import { ExternalStorage } from '@temporalio/common';
import { createClient, createCluster } from 'redis';
import type { DoctorResult, UsageResult } from '@temporal-redis-storage/cli';
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import { NodeRedisStorageDriverClient, type NodeRedisClient } from '@temporal-redis-storage/node-redis';
import {
  startRedis,
  startRedisCluster,
  startTemporal,
  type RedisAddress,
  type RunningTemporal,
} from '@temporal-redis-storage/testing';
import { findFreePort, retryTakenPort } from '../../../testing/src/servers/port';
import { waitUntil } from '../../../testing/src/wait-until';
import { createCertificates, type Certificates } from './certificates';

jest.setTimeout(300_000);

const PROGRAM = join(__dirname, '../../../cli/lib/main.js');
const PASSWORD = 'p@ss:w/rd';
const ENCODED_PASSWORD = encodeURIComponent(PASSWORD);
const WORKFLOWS = 12;

/** The commands that the README of the command line asks for, and those of the driver. */
const PERMISSIONS =
  '+scan +pttl +pexpire +eval +sadd +smembers +strlen +get +getex +set +srem +ping +info +config|get'.split(' ');

/** Commands that providers don't offer, Upstash for instance. */
const MISSING = ['INFO', 'CONFIG', 'CLUSTER', 'ACL', 'DEBUG', 'MONITOR', 'SLOWLOG'];

/** A Redis that is set up in some way, as the command line and as the tests reach it. */
interface Setup {
  redisUrl: string;
  flags?: string[];
  open: () => Promise<NodeRedisClient & { destroy(): void }>;
}

let certificates: Certificates;
let temporal: RunningTemporal;
let connection: Connection;
let stops: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  certificates = await createCertificates();
  temporal = await startTemporal();
  connection = await Connection.connect({ address: temporal.address });
});

afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

afterAll(async () => {
  await connection?.close();
  await temporal?.stop();
  await certificates?.remove();
});

/** A Redis that answers over TLS at `tlsPort`, and without TLS at `port`. */
async function startTlsRedis(...args: string[]): Promise<RedisAddress & { tlsPort: number }> {
  const { certFile, keyFile } = certificates;
  let tlsPort = 0;
  const redis = await retryTakenPort(async () => {
    tlsPort = await findFreePort();
    const tls = ['--tls-port', String(tlsPort), '--tls-cert-file', certFile, '--tls-key-file', keyFile];
    return startRedis({ args: [...tls, '--tls-auth-clients', 'no', ...args] });
  });
  stops.push(redis.stop);
  return { host: redis.host, port: redis.port, tlsPort };
}

async function openPlain({ host, port }: RedisAddress, password?: string) {
  return createClient({ socket: { host, port }, ...(password !== undefined && { password }) }).connect();
}

const SETUPS: Record<string, () => Promise<Setup>> = {
  'over TLS': async () => {
    const redis = await startTlsRedis();
    return { redisUrl: `rediss://${redis.host}:${redis.tlsPort}`, open: async () => openPlain(redis) };
  },
  'over TLS, as a user of an ACL': async () => {
    const redis = await startTlsRedis();
    const admin = await openPlain(redis);
    await admin.sendCommand([
      'ACL',
      'SETUSER',
      'worker',
      'on',
      `>${PASSWORD}`,
      '~temporalio:payloads:*',
      ...PERMISSIONS,
    ]);
    admin.destroy();
    return {
      redisUrl: `rediss://worker:${ENCODED_PASSWORD}@${redis.host}:${redis.tlsPort}`,
      open: async () => openPlain(redis),
    };
  },
  'by a TCP URL like that of Upstash, where commands are missing': async () => {
    const renamed = MISSING.flatMap((command) => ['--rename-command', command, '']);
    const redis = await startTlsRedis('--requirepass', PASSWORD, ...renamed);
    return {
      redisUrl: `rediss://default:${ENCODED_PASSWORD}@${redis.host}:${redis.tlsPort}`,
      open: async () => openPlain(redis, PASSWORD),
    };
  },
  'on a Cluster': async () => {
    const { nodes, stop } = await startRedisCluster({ replicasPerMaster: 0 });
    stops.push(stop);
    const { url } = nodes[0]!;
    return { redisUrl: url, flags: ['--cluster'], open: async () => createCluster({ rootNodes: [{ url }] }).connect() };
  },
  'on a Cluster over TLS, with a password': async () => {
    const { nodes, stop } = await startRedisCluster({ replicasPerMaster: 0 });
    stops.push(stop);
    const tlsPorts: number[] = [];
    for (const node of nodes) tlsPorts.push(await announceOverTls(node));
    await waitUntil('every node knows the TLS ports', nodes, async (node) => {
      const redis = await openPlain(node, PASSWORD);
      const known = await redis.clusterNodes();
      redis.destroy();
      return tlsPorts.every((port) => known.includes(`:${port}@`));
    });
    const { ca } = certificates;
    const socket = { tls: true, ca } as const;
    const url = `rediss://default:${ENCODED_PASSWORD}@127.0.0.1:${tlsPorts[0]}`;
    const defaults = { password: PASSWORD, socket };
    return {
      redisUrl: url,
      flags: ['--cluster'],
      open: async () => createCluster({ rootNodes: [{ url, socket }], defaults }).connect(),
    };
  },
};

/** Puts TLS and a password before a node of a cluster, which tells clients to come there. Resolves to the port. */
async function announceOverTls(node: RedisAddress): Promise<number> {
  const { certFile, keyFile } = certificates;
  const server = createServer({ cert: await readFile(certFile), key: await readFile(keyFile) });
  const sockets = new Set<Socket>();
  server.on('secureConnection', (client) => {
    const socket = connect(node.port, node.host);
    for (const [from, to] of [
      [client, socket],
      [socket, client],
    ] as const) {
      sockets.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stops.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  const { port } = server.address() as AddressInfo;
  const redis = await openPlain(node);
  await redis.configSet({ 'cluster-announce-port': String(port), requirepass: PASSWORD });
  redis.destroy();
  return port;
}

/** Runs the program, which reads the certificate authority from its environment. */
async function run(args: string[], certificateAuthority: string): Promise<{ status: number; result: unknown }> {
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: certificateAuthority };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [PROGRAM, ...args, '--json'], { env }, (error, stdout, stderr) => {
      const status = error === null ? 0 : Number(error.code);
      if (stderr !== '') reject(new Error(stderr));
      else resolve({ status, result: JSON.parse(stdout) as unknown });
    });
  });
}

describe.each(Object.keys(SETUPS))('the command line %s', (title) => {
  it('looks at every payload, and renews it', async () => {
    const { redisUrl, flags = [], open } = await SETUPS[title]!();
    const redis = await open();
    stops.push(async () => redis.destroy());
    const { address, namespace } = temporal;
    const driver = new RedisStorageDriver({ client: new NodeRedisStorageDriverClient(redis), ttl: '5 days' });
    const dataConverter = { externalStorage: new ExternalStorage({ drivers: [driver], payloadSizeThreshold: 1024 }) };
    const client = new Client({ connection, namespace, dataConverter });
    const ids = Array.from({ length: WORKFLOWS }, () => `w-${randomUUID()}`);
    for (const workflowId of ids) {
      const args = [randomBytes(2000).toString('hex')];
      await client.workflow.start('never', { workflowId, taskQueue: 'nobody', args });
    }
    const authority = join(certificates.certFile, '../ca-of-the-command-line.crt');
    await writeFile(authority, certificates.ca);
    const redisFlags = ['--redis-url', redisUrl, ...flags];
    const temporalFlags = ['--address', address, '--namespace', namespace];

    const usage = await run(['usage', ...redisFlags], authority);
    expect(usage).toMatchObject({ status: 0, result: { keys: WORKFLOWS, withoutTtl: 0 } });
    expect((usage.result as UsageResult).bytes).toBeGreaterThan(WORKFLOWS * 4000);

    for (const id of ids.slice(0, 3)) {
      const inspected = await run(['inspect', id, '--verify', ...redisFlags, ...temporalFlags], authority);
      expect(inspected).toMatchObject({ status: 0, result: { references: [{ state: 'present', field: 'input' }] } });
    }

    await waitUntil('visibility lists every workflow', [ids], async () => {
      const query = `WorkflowId IN (${ids.map((id) => `"${id}"`).join(', ')})`;
      return (await client.workflow.count(query)).count === WORKFLOWS;
    });
    const renewed = await run(['renew', '--ttl', '30d', ...redisFlags, ...temporalFlags], authority);
    expect(renewed).toMatchObject({
      status: 0,
      result: { scanned: WORKFLOWS, expiring: WORKFLOWS, extended: WORKFLOWS, unanswered: 0 },
    });
    const after = await run(['usage', ...redisFlags], authority);
    const later = (after.result as UsageResult).expiry.filter(({ withinMs }) => withinMs === 30 * 86_400_000);
    expect(later).toMatchObject([{ keys: WORKFLOWS }]);

    // These servers have no AOF.
    const doctor = await run(
      ['doctor', '--ttl', '30d', '--max-payload-size', '100000', '--ignore', 'aof', ...redisFlags, ...temporalFlags],
      authority,
    );
    const { findings } = doctor.result as DoctorResult;
    expect(findings.filter(({ severity }) => severity === 'error' || severity === 'warning')).toEqual([]);
    expect(doctor.status).toBe(0);
    expect(findings).toContainEqual(expect.objectContaining({ code: 'bytes', severity: 'ok' }));
    const last = await run(['usage', ...redisFlags], authority);
    expect(last.result).toMatchObject({ keys: WORKFLOWS });

    for (const id of ids) await client.workflow.getHandle(id).terminate();
  });
});

it('the command line refuses a server with an unknown certificate authority, and says so', async () => {
  const redis = await startTlsRedis();
  const usage = run(['usage', '--redis-url', `rediss://${redis.host}:${redis.tlsPort}`], '');
  await expect(usage).rejects.toThrow(/Cannot connect to Redis at 127\.0\.0\.1:\d+: .*certificate/);
});
