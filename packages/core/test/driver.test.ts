import { createHash, randomUUID } from 'node:crypto';
import { ApplicationFailure, StorageDriverClaim, ValueError, type Payload } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { InMemoryStorageDriverClient } from '../src/testing';
import { RedisStorageDriver, RedisStorageDriverError, TimeoutError, type RedisStorageDriverOptions } from '../src';

const PayloadProto = temporal.api.common.v1.Payload;

const hang = (): Promise<never> => new Promise(() => {});

/** A request that never settles, and during which the caller aborts. */
function abortAndHang(controller: AbortController, reason: Error): Promise<never> {
  setImmediate(() => controller.abort(reason));
  return hang();
}

function createPayload(data: string): Payload {
  return { metadata: { encoding: Buffer.from('binary/plain') }, data: Buffer.from(data) };
}

function encodePayload(payload: Payload): Uint8Array {
  return PayloadProto.encode(payload).finish();
}

function computeDigest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function buildExpectedKey(bytes: Uint8Array): string {
  return `temporalio:payloads:v0:d:sha256:${computeDigest(bytes)}`;
}

function createDriver(
  client: InMemoryStorageDriverClient,
  options: Omit<RedisStorageDriverOptions, 'client'> = {},
): RedisStorageDriver {
  return new RedisStorageDriver({ client, ...options });
}

/** Returns the error that a promise rejects with. Throws if the promise resolves. */
async function catchRejection(promise: Promise<unknown>): Promise<Error & { cause?: unknown }> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('expected a rejection');
}

let client: InMemoryStorageDriverClient;
beforeEach(() => {
  client = new InMemoryStorageDriverClient();
});

describe('store', () => {
  it('writes the raw serialized payload under the key in the claim', async () => {
    const payload = createPayload(randomUUID());
    const target = { kind: 'workflow', namespace: 'ns', id: 'w/1', runId: 'r', type: 'T' } as const;

    const [claim] = await createDriver(client, { keyPrefix: 'app:' }).store({ target }, [payload]);

    const digest = computeDigest(encodePayload(payload));
    const key = `app:v0:ns:ns:wt:T:wi:w%2F1:ri:r:d:sha256:${digest}`;
    const size = String(encodePayload(payload).length);
    expect(claim?.claimData).toEqual({ key, hash_algorithm: 'sha256', hash_value: digest, size });
    expect(Buffer.from((await client.get(key))!)).toEqual(Buffer.from(encodePayload(payload)));
  });

  it('applies the ttl in milliseconds, and no TTL by default', async () => {
    const set = jest.spyOn(client, 'setIfAbsent');

    await createDriver(client, { ttl: '45 days' }).store({}, [createPayload('a')]);
    await createDriver(client).store({}, [createPayload('b')]);

    expect(set.mock.calls.map(([, , options]) => options)).toEqual([
      { abortSignal: expect.any(AbortSignal) as AbortSignal, ttlMs: 3_888_000_000 },
      { abortSignal: expect.any(AbortSignal) as AbortSignal },
    ]);
  });

  it('writes no payload of a call if one is too large, and reports its size and the limit', async () => {
    const set = jest.spyOn(client, 'setIfAbsent');
    const large = createPayload('x'.repeat(1000));
    const size = encodePayload(large).length;

    const error = await catchRejection(
      createDriver(client, { maxPayloadSize: size - 1 }).store({}, [createPayload('a'), large, createPayload('b')]),
    );

    expect(error).toBeInstanceOf(ValueError);
    expect(error.message).toBe(`Payload size ${size} bytes exceeds the configured maxPayloadSize of ${size - 1} bytes`);
    expect(set).not.toHaveBeenCalled();
    await expect(createDriver(client, { maxPayloadSize: size }).store({}, [large])).resolves.toHaveLength(1);
  });

  it('writes equal payloads of one call once, and returns a claim for each in order', async () => {
    const set = jest.spyOn(client, 'setIfAbsent');

    const claims = await createDriver(client).store({}, ['a', 'b', 'a', 'a'].map(createPayload));

    expect(set).toHaveBeenCalledTimes(2);
    expect(claims.map(({ claimData }) => claimData['key'])).toEqual(
      ['a', 'b', 'a', 'a'].map((data) => buildExpectedKey(encodePayload(createPayload(data)))),
    );
  });

  it('treats a key that already exists as success', async () => {
    const first = await createDriver(client).store({}, [createPayload('a')]);
    expect(await createDriver(client).store({}, [createPayload('a')])).toEqual(first);
  });

  it('stores the payloads of a call concurrently', async () => {
    let waiting = 0;
    let release = (): void => {};
    const allAreWaiting = new Promise<void>((resolve) => (release = resolve));
    jest.spyOn(client, 'setIfAbsent').mockImplementation(async () => {
      if (++waiting === 3) release();
      await allAreWaiting;
      return true;
    });
    await expect(createDriver(client).store({}, ['a', 'b', 'c'].map(createPayload))).resolves.toHaveLength(3);
  });

  it('returns an empty list for an empty list', async () => {
    expect(await createDriver(client).store({}, [])).toEqual([]);
  });

  describe('for payloads of at least 4 MiB', () => {
    const large = { data: new Uint8Array(4 * 1024 * 1024) };
    const small = { data: new Uint8Array(4 * 1024 * 1024 - 100) };

    it('asks which keys exist, and sends only the payloads that Redis lacks', async () => {
      const set = jest.spyOn(client, 'setIfAbsent');
      const exists = jest.spyOn(client, 'exists');

      const first = await createDriver(client).store({}, [large, small]);
      const again = await createDriver(client).store({}, [large, small]);

      expect(again).toEqual(first);
      expect(exists.mock.calls.map(([key]) => key)).toEqual(
        [first[0], first[0], first[1]].map((c) => c!.claimData['key']),
      );
      expect(set.mock.calls.map(([key]) => key)).toEqual(
        [first[0], first[1], first[1]].map((c) => c!.claimData['key']),
      );
    });

    it('sends them if the client has no method exists, and if exists fails', async () => {
      const set = jest.fn(client.setIfAbsent.bind(client));
      const plain = { get: client.get.bind(client), setIfAbsent: set };
      jest.spyOn(client, 'exists').mockRejectedValue(new Error('NOPERM'));

      await new RedisStorageDriver({ client: plain }).store({}, [large]);
      await new RedisStorageDriver({ client: { ...plain, exists: client.exists.bind(client) } }).store({}, [large]);

      expect(set).toHaveBeenCalledTimes(2);
    });
  });

  it("rejects with the key, the client's details, and the client's error as cause", async () => {
    const cause = new Error('OOM command not allowed');
    jest.spyOn(client, 'setIfAbsent').mockRejectedValue(cause);
    const describe = (): Record<string, string> => ({ host: 'redis.internal', port: '6379' });

    const error = await catchRejection(
      createDriver(Object.assign(client, { describe })).store({}, [createPayload('a')]),
    );

    expect(error).toBeInstanceOf(RedisStorageDriverError);
    expect(error.name).toBe('RedisStorageDriverError');
    expect(error.message).toBe(
      `RedisStorageDriver store failed [key=${buildExpectedKey(encodePayload(createPayload('a')))}, host=redis.internal, port=6379]`,
    );
    expect(error.cause).toBe(cause);
  });

  it('reports the original error when describe throws', async () => {
    jest.spyOn(client, 'setIfAbsent').mockRejectedValue(new Error('no'));
    const describe = (): never => {
      throw new Error('not this one');
    };
    const error = await catchRejection(
      createDriver(Object.assign(client, { describe })).store({}, [createPayload('a')]),
    );
    expect(error.message).toMatch(/^RedisStorageDriver store failed \[key=[^,]*\]$/);
  });

  it('aborts the other writes after the first failure, and rejects with it once they have settled', async () => {
    const settled: string[] = [];
    const requested: string[] = [];
    jest.spyOn(client, 'setIfAbsent').mockImplementation(async (key, _data, { abortSignal } = {}) => {
      requested.push(key);
      if (key === buildExpectedKey(encodePayload(createPayload('bad')))) {
        while (requested.length < 3) await new Promise(setImmediate);
        throw new Error('refused');
      }
      await new Promise((_resolve, reject) => {
        abortSignal?.addEventListener('abort', () => {
          settled.push(key);
          reject(new Error('a later failure'));
        });
      });
      return true;
    });

    const error = await catchRejection(createDriver(client).store({}, ['a', 'bad', 'b'].map(createPayload)));

    expect(error.cause).toEqual(new Error('refused'));
    expect(settled).toHaveLength(2);
  });

  it('refuses a metadata name that could not be read back before it writes anything', async () => {
    const set = jest.spyOn(client, 'setIfAbsent');
    const payload = { metadata: { '\ud800': Buffer.from('value') }, data: Buffer.from('data') };
    const error = await catchRejection(createDriver(client).store({}, [createPayload('a'), payload]));
    expect(error).toBeInstanceOf(ValueError);
    expect(error.message).toContain('a metadata name with a lone surrogate');
    expect(set).not.toHaveBeenCalled();
  });

  it('refuses an id with a lone surrogate before it writes anything', async () => {
    const set = jest.spyOn(client, 'setIfAbsent');
    const target = { kind: 'workflow', namespace: 'ns', id: '\ud800' } as const;
    const error = await catchRejection(
      createDriver(client).store({ target }, [createPayload('a'), createPayload('b')]),
    );
    expect(error).toBeInstanceOf(ValueError);
    expect(set).not.toHaveBeenCalled();
  });
});

describe('retrieve', () => {
  it('reads the payloads of the claims in order, once for each claim', async () => {
    const driver = createDriver(client);
    const claims = await driver.store({}, ['a', 'b', 'c'].map(createPayload));

    const payloads = await driver.retrieve({}, [claims[2]!, claims[0]!, claims[2]!, claims[1]!]);

    expect(payloads.map(({ data }) => Buffer.from(data!).toString())).toEqual(['c', 'a', 'c', 'b']);
    expect(Buffer.from(encodePayload(payloads[0]!))).toEqual(Buffer.from(encodePayload(createPayload('c'))));
  });

  it('reads the claims concurrently', async () => {
    const claims = await createDriver(client).store({}, ['a', 'b'].map(createPayload));
    const get = client.get.bind(client);
    let waiting = 0;
    let release = (): void => {};
    const bothAreWaiting = new Promise<void>((resolve) => (release = resolve));
    jest.spyOn(client, 'get').mockImplementation(async (key) => {
      if (++waiting === 2) release();
      await bothAreWaiting;
      return get(key);
    });
    await expect(createDriver(client).retrieve({}, claims)).resolves.toHaveLength(2);
  });

  it('returns an empty list for an empty list', async () => {
    expect(await createDriver(client).retrieve({}, [])).toEqual([]);
  });

  it('fails without retry if a key is absent', async () => {
    const key = buildExpectedKey(encodePayload(createPayload(randomUUID())));
    const error = await catchRejection(createDriver(client).retrieve({}, [new StorageDriverClaim({ key })]));
    expect(error).toBeInstanceOf(ApplicationFailure);
    expect(error).toMatchObject({ type: 'PayloadNotFoundError', nonRetryable: true });
    expect(error.message).toBe(`Payload not found for key '${key}'`);
  });

  it('refuses all claims of a call before any I/O if one key is not in the key format', async () => {
    const get = jest.spyOn(client, 'get');
    const [good] = await createDriver(client).store({}, [createPayload('a')]);
    await client.setIfAbsent('session:1', Buffer.from('secret'));
    const forged = new StorageDriverClaim({ key: 'session:1', hash_value: computeDigest(Buffer.from('secret')) });

    const error = await catchRejection(createDriver(client).retrieve({}, [good!, forged]));

    expect(error).toBeInstanceOf(ValueError);
    expect(error.message).not.toContain('secret');
    expect(get).not.toHaveBeenCalled();
  });

  it('reads payloads stored under another prefix', async () => {
    const claims = await createDriver(client, { keyPrefix: 'old' }).store({}, [createPayload('a')]);
    await expect(createDriver(client, { keyPrefix: 'new' }).retrieve({}, claims)).resolves.toHaveLength(1);
  });

  it("refuses bytes whose digest isn't the claim's hash_value, and names the key and both digests", async () => {
    const bytes = encodePayload(createPayload('a'));
    const key = buildExpectedKey(encodePayload(createPayload('b')));
    await client.setIfAbsent(key, bytes);
    const expected = computeDigest(encodePayload(createPayload('b')));

    for (const claimData of [{ key, hash_algorithm: 'sha256', hash_value: expected }, { key }]) {
      const error = await catchRejection(createDriver(client).retrieve({}, [new StorageDriverClaim(claimData)]));
      expect(error).toBeInstanceOf(ValueError);
      expect(error.message).toBe(
        `RedisStorageDriver integrity check failed [key=${key}]: expected sha256:${expected}, got sha256:${computeDigest(bytes)}`,
      );
    }
  });

  it('compares bytes with hash_value even if they match the key', async () => {
    const [claim] = await createDriver(client).store({}, [createPayload('a')]);
    const forged = new StorageDriverClaim({ ...claim!.claimData, hash_value: '0'.repeat(64) });
    await expect(createDriver(client).retrieve({}, [forged])).rejects.toThrow(`expected sha256:${'0'.repeat(64)}`);
  });

  it("refuses bytes that aren't a payload, without showing them", async () => {
    const bytes = Buffer.from('\x07secret');
    await client.setIfAbsent(buildExpectedKey(bytes), bytes);
    const error = await catchRejection(
      createDriver(client).retrieve({}, [new StorageDriverClaim({ key: buildExpectedKey(bytes) })]),
    );
    expect(error).toBeInstanceOf(ValueError);
    expect(error.message).toBe(
      `RedisStorageDriver stored bytes are not a serialized Payload [key=${buildExpectedKey(bytes)}]`,
    );
    expect(String(error.cause)).not.toContain('secret');
  });

  it("rejects with the key and the client's error as cause", async () => {
    const cause = new Error('read ECONNRESET');
    const claims = await createDriver(client).store({}, [createPayload('a')]);
    jest.spyOn(client, 'get').mockRejectedValue(cause);
    const error = await catchRejection(createDriver(client).retrieve({}, claims));
    expect(error).toBeInstanceOf(RedisStorageDriverError);
    expect(error.message).toBe(`RedisStorageDriver retrieve failed [key=${claims[0]!.claimData['key']}]`);
    expect(error.cause).toBe(cause);
  });

  it('aborts the other reads after the first failure, and rejects with it once they have settled', async () => {
    const claims = await createDriver(client).store({}, ['a', 'bad', 'b'].map(createPayload));
    const badKey = claims[1]!.claimData['key'];
    const requested: string[] = [];
    const aborted: string[] = [];
    jest.spyOn(client, 'get').mockImplementation(async (key, { abortSignal } = {}) => {
      requested.push(key);
      while (requested.length < 3) await new Promise(setImmediate);
      if (key === badKey) throw new Error('refused');
      return new Promise((_resolve, reject) => {
        abortSignal?.addEventListener('abort', () => {
          aborted.push(key);
          reject(new Error('a later failure'));
        });
      });
    });

    const error = await catchRejection(createDriver(client).retrieve({}, claims));

    expect(error.cause).toEqual(new Error('refused'));
    expect(aborted).toEqual([claims[0]!.claimData['key'], claims[2]!.claimData['key']]);
  });

  it.each([['text'], [undefined], [5]])("refuses %p as the result of the client's get", async (reply) => {
    const claims = await createDriver(client).store({}, [createPayload('a')]);
    jest.spyOn(client, 'get').mockResolvedValue(reply as never);
    const error = await catchRejection(createDriver(client).retrieve({}, claims));
    expect(error).toBeInstanceOf(RedisStorageDriverError);
    expect(error.cause).toEqual(
      new TypeError(`The client's get must resolve to a Uint8Array or null, got ${typeof reply}`),
    );
  });
});

describe('the deadline of a request', () => {
  it.each(['store', 'retrieve'] as const)(
    'rejects a %s that Redis never answers, with an error that names the key',
    async (operation) => {
      const claims = await createDriver(client).store({}, [createPayload('a')]);
      jest.spyOn(client, 'get').mockImplementation(hang);
      jest.spyOn(client, 'setIfAbsent').mockImplementation(hang);
      const driver = createDriver(client, { requestTimeout: 20 });

      const error = await catchRejection(
        operation === 'store' ? driver.store({}, [createPayload('a')]) : driver.retrieve({}, claims),
      );

      expect(error).toBeInstanceOf(RedisStorageDriverError);
      expect(error.message).toBe(`RedisStorageDriver ${operation} failed [key=${claims[0]!.claimData['key']}]`);
      expect(error.cause).toBeInstanceOf(TimeoutError);
      expect(error.cause).toMatchObject({
        name: 'TimeoutError',
        message: 'Redis did not answer within 20 ms (requestTimeout)',
      });
    },
  );

  it('aborts the request that times out', async () => {
    let seen: AbortSignal | undefined;
    jest.spyOn(client, 'setIfAbsent').mockImplementation((_key, _data, options) => {
      seen = options?.abortSignal;
      return hang();
    });
    await catchRejection(createDriver(client, { requestTimeout: 20 }).store({}, [createPayload('a')]));
    expect(seen?.reason).toBeInstanceOf(TimeoutError);
  });

  it.each([false, true])('leaves no unhandled rejection if the client answers %s after it', async (late) => {
    let answer = (): void => {};
    const exists = jest.spyOn(client, 'exists');
    jest
      .spyOn(client, 'setIfAbsent')
      .mockImplementation(() => new Promise((resolve) => (answer = () => resolve(late))));
    await catchRejection(createDriver(client, { requestTimeout: 20 }).store({}, [createPayload('a')]));
    answer();
    // Jest fails a test with an unhandled rejection.
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(exists).toHaveBeenCalledTimes(late ? 0 : 1);
  });

  it('leaves no timer after a call', async () => {
    const before = process.getActiveResourcesInfo().filter((type) => type === 'Timeout').length;
    const driver = createDriver(client);
    await driver.retrieve({}, await driver.store({}, ['a', 'b'].map(createPayload)));
    expect(process.getActiveResourcesInfo().filter((type) => type === 'Timeout')).toHaveLength(before);
  });

  it('may be longer than the longest possible timer', async () => {
    const driver = createDriver(client, { requestTimeout: '100 years' });
    await expect(driver.store({}, [createPayload('a')])).resolves.toHaveLength(1);
  });
});

describe('the abort signal of a call', () => {
  const reason = new Error('the caller has had enough');

  it.each(['store', 'retrieve'] as const)(
    'rejects a %s before any I/O if it has already aborted',
    async (operation) => {
      const driver = createDriver(client);
      const claims = await driver.store({}, [createPayload('a')]);
      const get = jest.spyOn(client, 'get');
      const set = jest.spyOn(client, 'setIfAbsent');
      const context = { abortSignal: AbortSignal.abort(reason) };

      const call =
        operation === 'store' ? driver.store(context, [createPayload('b')]) : driver.retrieve(context, claims);

      expect(await catchRejection(call)).toBe(reason);
      expect(get).not.toHaveBeenCalled();
      expect(set).not.toHaveBeenCalled();
    },
  );

  it.each(['store', 'retrieve'] as const)(
    'rejects a running %s with its reason, even if the client never settles',
    async (op) => {
      const driver = createDriver(client);
      const claims = await driver.store({}, [createPayload('a')]);
      const controller = new AbortController();
      jest.spyOn(client, 'get').mockImplementation(() => abortAndHang(controller, reason));
      jest.spyOn(client, 'setIfAbsent').mockImplementation(() => abortAndHang(controller, reason));
      const context = { abortSignal: controller.signal };

      const call =
        op === 'store' ? driver.store(context, ['b', 'c'].map(createPayload)) : driver.retrieve(context, claims);

      expect(await catchRejection(call)).toBe(reason);
    },
  );

  it("is passed to the client's request", async () => {
    let seen: AbortSignal | undefined;
    const controller = new AbortController();
    jest.spyOn(client, 'setIfAbsent').mockImplementation((_key, _data, options) => {
      seen = options?.abortSignal;
      return abortAndHang(controller, reason);
    });
    await catchRejection(createDriver(client).store({ abortSignal: controller.signal }, [createPayload('a')]));
    expect(seen?.reason).toBe(reason);
  });

  it('has no listeners after a call, and causes no warning for a thousand payloads or claims', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on('warning', onWarning);
    const { signal } = new AbortController();
    const add = jest.spyOn(signal, 'addEventListener');
    const remove = jest.spyOn(signal, 'removeEventListener');

    const claims = await createDriver(client).store(
      { abortSignal: signal },
      Array.from({ length: 1000 }, (_, i) => createPayload(String(i))),
    );
    await createDriver(client).retrieve({ abortSignal: signal }, claims);
    await new Promise(setImmediate);
    process.off('warning', onWarning);

    expect(remove.mock.calls).toEqual(add.mock.calls);
    expect(warnings).toEqual([]);
  });
});

describe('a failed request', () => {
  const transientErrors = [
    'LOADING Redis is loading the dataset in memory',
    "READONLY You can't write against a read only replica.",
    'NOREPLICAS Not enough good replicas to write.',
    'CLUSTERDOWN The cluster is down',
    'TRYAGAIN Multiple keys request during rehashing of slot',
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    'BUSY Redis is busy running a script.',
    "ERR Error running script: @user_script: 1: -READONLY You can't write against a read only replica.",
    'Upstash refused SETNX (HTTP 400): LOADING Redis is loading the dataset in memory',
  ];

  it.each(transientErrors)('is retried after a transient error: %s', async (message) => {
    const set = jest.spyOn(client, 'setIfAbsent').mockRejectedValueOnce(new Error(message));
    const get = jest.spyOn(client, 'get').mockRejectedValueOnce(new Error(message));

    const claims = await createDriver(client).store({}, [createPayload('a')]);

    await expect(createDriver(client).retrieve({}, claims)).resolves.toHaveLength(1);
    expect(set).toHaveBeenCalledTimes(2);
    expect(get).toHaveBeenCalledTimes(2);
  });

  it.each([
    'OOM command not allowed',
    'NOAUTH Authentication required.',
    'NOPERM this user has no permissions',
    'MISCONF Redis is configured to save RDB snapshots',
    'WRONGTYPE Operation against a key',
    'WRONGPASS invalid username-password pair',
    'ERR READONLY',
    'Connection is closed.',
    // ioredis has already retried the command.
    'Too many Cluster redirections. Last error: ReplyError: CLUSTERDOWN Hash slot not served',
  ])('is not retried after a permanent error: %s', async (message) => {
    const set = jest.spyOn(client, 'setIfAbsent').mockRejectedValue(new Error(message));
    await catchRejection(createDriver(client).store({}, [createPayload('a')]));
    expect(set).toHaveBeenCalledTimes(1);
  });

  it('rejects with the original error when isTransient throws', async () => {
    const cause = new Error('dropped');
    jest.spyOn(client, 'setIfAbsent').mockRejectedValue(cause);
    const isTransient = (): never => {
      throw new Error('not this one');
    };
    const error = await catchRejection(
      createDriver(Object.assign(client, { isTransient })).store({}, [createPayload('a')]),
    );
    expect(error.cause).toBe(cause);
  });

  it('is retried after an error that the client reports as transient', async () => {
    const dropped = new Error('dropped');
    const isTransient = (error: unknown): boolean => error === dropped;
    const set = jest.spyOn(client, 'setIfAbsent').mockRejectedValueOnce(dropped);
    await createDriver(Object.assign(client, { isTransient })).store({}, [createPayload('a')]);
    expect(set).toHaveBeenCalledTimes(2);
  });

  it('rejects with the last error after maxAttempts', async () => {
    const cause = new Error('LOADING Redis is loading the dataset in memory');
    const set = jest.spyOn(client, 'setIfAbsent').mockRejectedValue(cause);
    const error = await catchRejection(createDriver(client, { maxAttempts: 3 }).store({}, [createPayload('a')]));
    expect(error.cause).toBe(cause);
    expect(set).toHaveBeenCalledTimes(3);
  });

  it('is not retried after its deadline, and the last error is the cause of the time-out', async () => {
    const cause = new Error('LOADING Redis is loading the dataset in memory');
    const set = jest.spyOn(client, 'setIfAbsent').mockRejectedValue(cause);

    const error = await catchRejection(createDriver(client, { requestTimeout: 30 }).store({}, [createPayload('a')]));

    expect(error.cause).toBeInstanceOf(TimeoutError);
    expect(error.cause).toMatchObject({ cause });
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(set).toHaveBeenCalledTimes(1);
  });

  it('is not retried after an abort', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const set = jest.spyOn(client, 'setIfAbsent').mockImplementation(async () => {
      setImmediate(() => controller.abort(reason));
      throw new Error('LOADING wait');
    });
    const call = createDriver(client).store({ abortSignal: controller.signal }, [createPayload('a')]);
    expect(await catchRejection(call)).toBe(reason);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(set).toHaveBeenCalledTimes(1);
  });
});

describe('maxBytesInFlight', () => {
  const payloads = Array.from({ length: 20 }, (_, i) => ({ data: new Uint8Array(1000).fill(i) }));

  it('is not exceeded by a store or a retrieve', async () => {
    const maxBytesInFlight = 3500;
    let inFlight = 0;
    let peak = 0;
    const counted = async <T>(request: () => Promise<T>): Promise<T> => {
      peak = Math.max(peak, ++inFlight);
      await new Promise(setImmediate);
      try {
        return await request();
      } finally {
        inFlight--;
      }
    };
    const get = client.get.bind(client);
    const setIfAbsent = client.setIfAbsent.bind(client);
    jest.spyOn(client, 'get').mockImplementation((...args) => counted(() => get(...args)));
    jest.spyOn(client, 'setIfAbsent').mockImplementation((...args) => counted(() => setIfAbsent(...args)));
    const driver = createDriver(client, { maxBytesInFlight });

    const claims = await driver.store({}, payloads);
    expect(peak).toBe(3);

    peak = 0;
    const read = await driver.retrieve({}, claims);
    expect(peak).toBe(3);
    expect(read.map(({ data }) => data![0])).toEqual(payloads.map(({ data }) => data[0]));
  });

  it('does not count requests of a failed or an aborted call', async () => {
    const driver = createDriver(client, { maxBytesInFlight: 1100, requestTimeout: 5000 });
    jest.spyOn(client, 'setIfAbsent').mockRejectedValueOnce(new Error('refused'));
    await catchRejection(driver.store({}, payloads));
    const controller = new AbortController();
    let settle: (inserted: boolean) => void;
    jest.spyOn(client, 'setIfAbsent').mockImplementationOnce(() => {
      setImmediate(() => controller.abort(new Error('enough')));
      return new Promise((resolve) => (settle = resolve));
    });
    await catchRejection(driver.store({ abortSignal: controller.signal }, payloads));

    const waiting = driver.store({}, payloads);
    settle!(true);
    await expect(waiting).resolves.toHaveLength(20);
  });

  it('of unanswered requests count until the client lets go of them, and no request waits for them', async () => {
    const driver = createDriver(client, { maxBytesInFlight: 2100, requestTimeout: 2000 });
    const pending: ((inserted: boolean) => void)[] = [];
    const hanging = jest
      .spyOn(client, 'setIfAbsent')
      .mockImplementation(() => new Promise((resolve) => void pending.push(resolve)));
    await catchRejection(driver.store({}, payloads.slice(0, 2)));
    hanging.mockRestore();

    const start = performance.now();
    const error = await catchRejection(driver.store({}, [payloads[2]!]));
    expect(performance.now() - start).toBeLessThan(1900);
    expect(error).toMatchObject({ name: 'RedisStorageDriverError', operation: 'store', key: undefined });
    expect((error.cause as Error).message).toMatch(
      /^No capacity for \d+ bytes: the Redis library still holds \d+ bytes/,
    );

    pending.forEach((resolve) => resolve(true));
    await new Promise((resolve) => setImmediate(resolve));
    await expect(driver.store({}, [payloads[2]!])).resolves.toHaveLength(1);
  });

  it("lets waiting requests time out when none completes, and reports the client's details", async () => {
    jest.spyOn(client, 'setIfAbsent').mockImplementation(hang);
    const describe = (): Record<string, string> => ({ host: 'redis.internal' });
    const driver = createDriver(Object.assign(client, { describe }), { maxBytesInFlight: 1100, requestTimeout: 50 });
    const first = catchRejection(driver.store({}, [payloads[0]!]));
    await new Promise((resolve) => setTimeout(resolve, 10));
    const waiting = Array.from({ length: 5 }, () => catchRejection(driver.store({}, [payloads[1]!])));

    const errors = await Promise.all([first, ...waiting]);

    for (const error of errors) expect(error.cause).toBeInstanceOf(TimeoutError);
    const waited = errors.filter(({ message }) => message === 'RedisStorageDriver store failed [host=redis.internal]');
    expect(waited.length).toBeGreaterThanOrEqual(4);
    expect((waited[0]!.cause as Error).message).toContain('bytes in flight (maxBytesInFlight)');
  });
});
