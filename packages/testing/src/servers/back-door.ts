import type { ContractStore } from '@temporal-redis-storage/core/testing';
import { createClient, createCluster, RESP_TYPES } from 'redis';

/** Direct access to a store, through another connection than the client under test uses. */
export interface BackDoor extends ContractStore {
  close(): Promise<void>;
}

/** Opens a {@link BackDoor} to the Redis at a URL, for a client that puts `keyPrefix` before its keys. */
export async function openBackDoor(url: string, keyPrefix = ''): Promise<BackDoor> {
  const redis = await createClient({ url }).connect();
  const send: Send = (name, key, ...args) => redis.sendCommand([name, keyPrefix + key, ...args], AS_BYTES);
  return createBackDoor(send, () => redis.destroy());
}

/** Opens a {@link BackDoor} to the Redis Cluster to which the node at a URL belongs. */
export async function openClusterBackDoor(url: string, keyPrefix = ''): Promise<BackDoor> {
  const redis = await createCluster({ rootNodes: [{ url }] }).connect();
  const send: Send = (name, suffix, ...args) => {
    const key = keyPrefix + suffix;
    return redis.sendCommand(key, false, [name, key, ...args], AS_BYTES);
  };
  return createBackDoor(send, () => redis.destroy());
}

type Send = (name: string, key: string, ...args: (string | Buffer)[]) => Promise<unknown>;

const AS_BYTES = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } };

function createBackDoor(send: Send, close: () => void): BackDoor {
  return {
    read: async (key) => (await send('GET', key)) as Buffer | null,
    async write(key, data, ttlMs) {
      await send('SET', key, Buffer.from(data), ...(ttlMs === undefined ? [] : ['PX', String(ttlMs)]));
    },
    async writeList(key) {
      await send('RPUSH', key, 'element');
    },
    async delete(key) {
      await send('DEL', key);
    },
    async ttlMs(key) {
      const ttlMs = (await send('PTTL', key)) as number;
      return ttlMs === -1 ? undefined : ttlMs;
    },
    async close() {
      close();
    },
  };
}
