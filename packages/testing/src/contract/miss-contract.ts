/// <reference types="jest" />
import { randomUUID } from 'node:crypto';
import type { RedisStorageDriverClient } from '@temporal-redis-storage/core';
import { openBackDoor, type BackDoor } from '../servers/back-door';
import { startRedis, type RedisAddress, type RunningRedis } from '../servers/redis';
import { connectAll, disconnectAll } from '../servers/redis-connection';
import { holdReplication, countReplicaMisses, resumeReplication } from '../servers/replication';
import { waitUntil } from '../wait-until';

/** A connected client under test. */
export interface ConnectedClient {
  client: RedisStorageDriverClient;
  close(): Promise<void>;
}

/** A client that reads from the replicas among `nodes` and writes to their primaries. */
export interface ReplicaReader extends ConnectedClient {
  nodes: RedisAddress[];
}

/** Tests that a client whose library reads from replicas doesn't treat a replica's miss as an absent key. */
export function describeReplicaReads(name: string, factory: () => Promise<ReplicaReader>): void {
  describe(`${name}: a read from a lagging replica`, () => {
    let subject: ReplicaReader | undefined;
    let client: RedisStorageDriverClient;
    let nodes: RedisAddress[];

    beforeAll(async () => {
      subject = await factory();
      ({ client, nodes } = subject);
      await holdReplication(nodes);
    });

    afterAll(async () => {
      if (subject === undefined) return;
      await subject.close();
      await resumeReplication(subject.nodes);
    });

    it('returns the value of the primary', async () => {
      const keys = Array.from({ length: 30 }, createKey);
      for (const key of keys) await client.setIfAbsent(key, Buffer.from(key));
      const missesBefore = await countReplicaMisses(nodes);

      // The reads are sequential, because clients choose a replica or the primary per batch.
      for (const key of keys) expect(await client.get(key)).toEqual(Buffer.from(key));

      // Without misses at replicas, the test would not prove anything.
      expect(await countReplicaMisses(nodes)).toBeGreaterThan(missesBefore);
    });

    it('returns null if the primary does not have the key either', async () => {
      for (const key of Array.from({ length: 30 }, createKey)) expect(await client.get(key)).toBeNull();
    });
  });
}

/** Tests that a miss is an error if the primary can't confirm it. `connect` opens a client of the one server at a URL. */
export function describeUnconfirmedMisses(name: string, connect: (url: string) => Promise<ConnectedClient>): void {
  describe(`${name}: a miss`, () => {
    let primary: RunningRedis | undefined;
    let replica: RunningRedis | undefined;
    let backDoor: BackDoor | undefined;
    let connected: ConnectedClient | undefined;

    beforeAll(async () => {
      primary = await startRedis();
      replica = await startRedis({ args: ['--replicaof', primary.host, String(primary.port)] });
      backDoor = await openBackDoor(primary.url);
      await resumeReplication([primary, replica]);
    });

    afterAll(async () => {
      await connected?.close();
      await backDoor?.close();
      await replica?.stop();
      await primary?.stop();
    });

    it('is a READONLY error on a connection to a replica, whether or not the primary has the key', async () => {
      const late = createKey();
      await holdReplication([primary!, replica!]);
      await backDoor!.write(late, Buffer.from('late'));

      await expect(read(connect(replica!.url), late)).rejects.toThrow('READONLY');
      await expect(read(connect(replica!.url), createKey())).rejects.toThrow('READONLY');

      await resumeReplication([primary!, replica!]);
      const readLate = (): Promise<unknown> => read(connect(replica!.url), late).catch(() => null);
      await waitUntil('the replica has the key', [readLate], async (value) => (await value()) !== null);
    });

    it('of exists on a replica is a READONLY error', async () => {
      const { client } = (connected = await connect(replica!.url));
      await expect(client.exists?.(createKey()) ?? Promise.reject(new Error('READONLY'))).rejects.toThrow('READONLY');
    });

    it('is a NOPERM error if the user may not run the command that confirms it', async () => {
      const connections = await connectAll([primary!]);
      await connections[0]!.aclSetUser('reader', ['on', '>secret', '~*', '+@all', '-eval', '-getex']);
      disconnectAll(connections);
      const url = `redis://reader:secret@${primary!.host}:${primary!.port}`;
      const present = createKey();
      await backDoor!.write(present, Buffer.from('present'));

      await expect(read(connect(url), createKey())).rejects.toThrow('NOPERM');
      await expect(read(connect(url), present)).resolves.toEqual(Buffer.from('present'));
    });
  });
}

async function read(connecting: Promise<ConnectedClient>, key: string): Promise<Uint8Array | null> {
  const connected = await connecting;
  try {
    return await connected.client.get(key);
  } finally {
    await connected.close();
  }
}

function createKey(): string {
  return `miss:${randomUUID()}`;
}
