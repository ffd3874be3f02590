import { randomBytes, randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { createClient } from 'redis';
import { RedisStorageDriver, RedisStorageDriverError } from '@temporal-redis-storage/core';
import { openBackDoor, startRedis, type BackDoor, type RunningRedis } from '@temporal-redis-storage/testing';
import { openNodeRedis, SERVER_CLIENTS, type Access, type OpenClient } from '../client-shapes';
import { encodePayload } from './traffic';

const password = randomUUID();
const database = 5;

let redis: RunningRedis;
let inDatabase: BackDoor;
let inDefaultDatabase: BackDoor;
let open: OpenClient | undefined;

beforeAll(async () => {
  redis = await startRedis({ args: ['--requirepass', password] });
  const url = `redis://:${password}@${redis.host}:${redis.port}`;
  inDatabase = await openBackDoor(`${url}/${database}`);
  inDefaultDatabase = await openBackDoor(url);
});

afterEach(async () => {
  await open?.close();
});

afterAll(async () => {
  await inDatabase?.close();
  await inDefaultDatabase?.close();
  await redis?.stop();
});

describe.each(Object.keys(SERVER_CLIENTS))('%s', (name) => {
  async function openDriver(access: Access): Promise<RedisStorageDriver> {
    open = await SERVER_CLIENTS[name]!(redis, access);
    return new RedisStorageDriver({ client: open.client, keyPrefix: `test:${randomUUID()}` });
  }

  it('stores and retrieves with a password, in the selected database', async () => {
    const driver = await openDriver({ password, database });
    const payload = { data: randomBytes(1000) };

    const [claim] = await driver.store({}, [payload]);

    const key = claim!.claimData['key']!;
    expect(encodePayload(payload).equals((await inDatabase.read(key))!)).toBe(true);
    expect(await inDefaultDatabase.read(key)).toBeNull();
    const [back] = await driver.retrieve({}, [claim!]);
    expect(encodePayload(back!).equals(encodePayload(payload))).toBe(true);
  });

  it.each([
    ['a wrong password', 'WRONGPASS', randomUUID()],
    ['no password', 'NOAUTH', undefined],
  ])('rejects with the reason, and without any password, when it has %s', async (_, reason, wrong) => {
    const driver = await openDriver(wrong === undefined ? {} : { password: wrong });

    const error: unknown = await driver.store({}, [{ data: randomBytes(10) }]).catch((e: unknown) => e);

    expect(error).toBeInstanceOf(RedisStorageDriverError);
    // node-redis closes a client whose login fails, and reports the reason only in its error event.
    const cause = name === 'node-redis' ? 'The client is closed' : reason;
    expect(error).toMatchObject({
      message: expect.stringContaining('[key=test:') as string,
      cause: expect.objectContaining({ message: expect.stringContaining(cause) as string }) as Error,
    });
    expect(open!.errors).toContainEqual(
      expect.objectContaining({ message: expect.stringContaining(reason) as string }),
    );
    const output = inspect(error, { depth: Infinity });
    expect(output).not.toContain(password);
    expect(output).not.toContain(wrong ?? password);
  });
});

it('node-redis with RESP2 and no password rejects with the NOAUTH error of the command', async () => {
  const client = createClient({ socket: { host: redis.host, port: redis.port }, RESP: 2 });
  open = openNodeRedis(client);
  await open.connected;
  const driver = new RedisStorageDriver({ client: open.client, keyPrefix: `test:${randomUUID()}` });
  const payloads = [{ data: randomBytes(10) }];

  await expect(driver.store({}, payloads)).rejects.toMatchObject({
    name: 'RedisStorageDriverError',
    message: expect.stringContaining('[key=test:') as string,
    cause: expect.objectContaining({ message: 'NOAUTH Authentication required.' }) as Error,
  });
});
