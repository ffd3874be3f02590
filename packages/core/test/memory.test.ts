import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { RedisStorageDriver, type RedisStorageDriverClient } from '../src';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const wait = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));

/** Collects garbage until `check` holds, or for ten seconds. A `deref` keeps its target alive in the same turn. */
async function collectUntil(check: () => boolean): Promise<boolean> {
  for (let attempt = 0; attempt < 100; attempt++) {
    collectGarbage();
    await wait();
    if (check()) return true;
    await wait();
  }
  return false;
}

const SIZE = 4 * 1024 * 1024;

describe('a store that was given up on', () => {
  it("doesn't keep the payload's own data, while the client keeps the copy", async () => {
    const held: { data: Uint8Array; promise: Promise<boolean> }[] = [];
    const client: RedisStorageDriverClient = {
      get: async () => null,
      setIfAbsent(_key, data) {
        const promise = new Promise<boolean>(() => {});
        held.push({ data, promise });
        return promise;
      },
    };
    const driver = new RedisStorageDriver({ client, requestTimeout: 20 });
    const storeAndGiveUp = async (fill: number): Promise<WeakRef<Uint8Array>> => {
      const data = new Uint8Array(SIZE).fill(fill);
      await driver.store({}, [{ metadata: {}, data }]).catch(() => {});
      return new WeakRef(data);
    };
    const references = [await storeAndGiveUp(1), await storeAndGiveUp(2), await storeAndGiveUp(3)];
    // The engine may keep the last one in a register.
    await storeAndGiveUp(4);
    expect(held.every(({ data }) => data.length > SIZE)).toBe(true);
    expect(await collectUntil(() => references.every((reference) => reference.deref() === undefined))).toBe(true);
  });

  it('no longer counts once its copy was garbage-collected, even if the client never settles', async () => {
    let hang = true;
    const client: RedisStorageDriverClient = {
      get: async () => null,
      setIfAbsent: () => (hang ? new Promise(() => {}) : Promise.resolve(true)),
    };
    const size = 256 * 1024;
    const count = 32;
    const driver = new RedisStorageDriver({ client, requestTimeout: 20, maxBytesInFlight: count * size });
    const store = async (): Promise<boolean> => {
      try {
        await driver.store({}, [{ metadata: {}, data: new Uint8Array(size - 100) }]);
        return true;
      } catch {
        return false;
      }
    };
    // The engine may keep some of them in a register, but not all.
    for (let index = 0; index < count; index++) expect(await store()).toBe(false);
    hang = false;
    let stored = false;
    for (let attempt = 0; attempt < 100 && !stored; attempt++) {
      collectGarbage();
      await wait();
      stored = await store();
    }
    expect(stored).toBe(true);
  });
});
