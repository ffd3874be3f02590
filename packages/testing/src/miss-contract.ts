/// <reference types="jest" />
import { randomUUID } from 'node:crypto';
import type { RedisStorageDriverClient } from '@temporal-redis-storage/core';
import { openBackDoor, type BackDoor } from './back-door';
import { startRedis, type RedisAddress, type RunningRedis } from './redis';
import { connectAll, disconnectAll } from './redis-connection';
import { holdReplication, missesOfReplicas, resumeReplication } from './replication';
import { waitUntil } from './wait-until';

/** A client under test, connected. */
export interface ConnectedClient {
  client: RedisStorageDriverClient;
  close(): Promise<void>;
}

/** A client that reads from the replicas among `nodes` and writes to their primaries. */
export interface ReplicaReader extends ConnectedClient {
  nodes: RedisAddress[];
}

/** Holds that a client whose library reads from replicas doesn't take what they lack for absent. */
export function describeReplicaReads(name: string, factory: () => Promise<ReplicaReader>): void {
  describe(`${name}: a read from a replica that lags`, () => {
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

    it('answers with the value that the primary has', async () => {
      const keys = Array.from({ length: 30 }, newKey);
      for (const key of keys) await client.setIfAbsent(key, Buffer.from(key));
      const missesBefore = await missesOfReplicas(nodes);

      const values = await Promise.all(keys.map((key) => client.get(key)));

      expect(values.map((value) => value && Buffer.from(value).toString())).toEqual(keys);
      // Without these the test would have proved nothing.
      expect(await missesOfReplicas(nodes)).toBeGreaterThan(missesBefore);
    });

    it('answers null if the primary has no such key either', async () => {
      const values = await Promise.all(Array.from({ length: 30 }, () => client.get(newKey())));

      expect(values.filter((value) => value !== null)).toEqual([]);
    });
  });
}

/** Holds that a miss is an error where the primary can't confirm it, for a client of the one server at a URL. */
export function describeUnconfirmedMisses(name: string, connect: (url: string) => Promise<ConnectedClient>): void {
  describe(`${name}: a miss`, () => {
    let primary: RunningRedis | undefined;
    let replica: RunningRedis | undefined;
    let backDoor: BackDoor | undefined;

    beforeAll(async () => {
      primary = await startRedis();
      replica = await startRedis({ args: ['--replicaof', primary.host, String(primary.port)] });
      backDoor = await openBackDoor(primary.url);
      await resumeReplication([primary, replica]);
    });

    afterAll(async () => {
      await backDoor?.close();
      await replica?.stop();
      await primary?.stop();
    });

    async function get(url: string, key: string): Promise<Uint8Array | null> {
      const { client, close } = await connect(url);
      try {
        return await client.get(key);
      } finally {
        await close();
      }
    }

    it('is a READONLY error on a connection to a replica, whether the primary has the key or not', async () => {
      const late = newKey();
      await holdReplication([primary!, replica!]);
      await backDoor!.write(late, Buffer.from('late'));

      await expect(get(replica!.url, late)).rejects.toThrow('READONLY');
      await expect(get(replica!.url, newKey())).rejects.toThrow('READONLY');

      await resumeReplication([primary!, replica!]);
      const readLate = (): Promise<unknown> => get(replica!.url, late).catch(() => null);
      await waitUntil('the replica has the key', [readLate], async (read) => (await read()) !== null);
    });

    it('is a NOPERM error for a user who may not ask the primary', async () => {
      const connections = await connectAll([primary!]);
      await connections[0]!.aclSetUser('reader', ['on', '>secret', '~*', '+@all', '-eval', '-getex']);
      disconnectAll(connections);
      const url = `redis://reader:secret@${primary!.host}:${primary!.port}`;
      const present = newKey();
      await backDoor!.write(present, Buffer.from('present'));

      await expect(get(url, newKey())).rejects.toThrow('NOPERM');
      await expect(get(url, present)).resolves.toEqual(Buffer.from('present'));
    });
  });
}

function newKey(): string {
  return `miss:${randomUUID()}`;
}
