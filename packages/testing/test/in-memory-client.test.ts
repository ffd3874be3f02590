import { describeClientContract, InMemoryStorageDriverClient } from '@temporal-redis-storage/testing';

describeClientContract('InMemoryStorageDriverClient', async () => {
  const client = new InMemoryStorageDriverClient();
  const { entries } = client;
  return {
    client,
    backDoor: {
      read: (key) => client.get(key),
      async write(key, data, ttlMs = Infinity) {
        entries.set(key, { value: data, expiresAt: Date.now() + ttlMs });
      },
      async writeList(key) {
        entries.set(key, { value: ['element'], expiresAt: Infinity });
      },
      async delete(key) {
        entries.delete(key);
      },
      async ttlMs(key) {
        const left = entries.get(key)!.expiresAt - Date.now();
        return left === Infinity ? undefined : left;
      },
      async close() {},
    },
    async close() {},
  };
});
