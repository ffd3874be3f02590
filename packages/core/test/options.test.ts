import { ValueError } from '@temporalio/common';
import { resolveOptions } from '../src/options';
import { RedisStorageDriver } from '../src';

const client = { get: async () => null, setIfAbsent: async () => true };

function resolve(options: Record<string, unknown> = {}): ReturnType<typeof resolveOptions> {
  return resolveOptions({ client, ...options });
}

describe('the options', () => {
  it('have the documented defaults', () => {
    expect(resolve()).toEqual({
      client,
      driverName: 'redis',
      extendTtl: false,
      maxAttempts: 6,
      maxBytesInFlight: 104857600,
      keyPrefix: 'temporalio:payloads',
      ttlMs: undefined,
      maxPayloadSize: 52_428_800,
      requestTimeoutMs: 8000,
    });
  });

  it('set the name of the driver, and use the default for an empty driverName', () => {
    expect(new RedisStorageDriver({ client, driverName: 'hot' })).toMatchObject({ name: 'hot', type: 'redis' });
    expect(new RedisStorageDriver({ client, driverName: '' })).toMatchObject({ name: 'redis', type: 'redis' });
  });

  it.each([
    ['app', 'app'],
    ['app:::', 'app'],
    [':app', ':app'],
    [':::', ''],
    ['', ''],
  ])('accept the keyPrefix %p without its trailing colons', (keyPrefix, expected) => {
    expect(resolve({ keyPrefix }).keyPrefix).toBe(expected);
  });

  it.each([
    ['45 days', 3_888_000_000],
    ['1m', 60_000],
    [1500, 1500],
    [1500.2, 1501],
    [0.001, 1],
    ['0.5 ms', 1],
  ])('accept %p as a duration of %p ms', (duration, ms) => {
    expect(resolve({ ttl: duration }).ttlMs).toBe(ms);
    expect(resolve({ requestTimeout: duration }).requestTimeoutMs).toBe(Math.min(ms, 2_147_483_647));
  });

  it.each(['ttl', 'requestTimeout'])("refuse a %s that isn't a duration greater than zero", (option) => {
    for (const value of [0, -1, NaN, Infinity, 1e300, '', 'nonsense', '0 days', '-1 day', null, {}, true, 5n]) {
      expect(() => resolve({ [option]: value })).toThrow(ValueError);
      expect(() => resolve({ [option]: value })).toThrow(`${option} must be a duration greater than zero`);
    }
    expect(() => resolve({ [option]: '5 parsecs' })).toThrow("got '5 parsecs'");
  });

  it.each(['maxPayloadSize', 'maxBytesInFlight'])("refuse a %s that isn't a finite number above zero", (option) => {
    for (const value of [0, -1, NaN, Infinity, '5', null]) {
      expect(() => resolve({ [option]: value })).toThrow(ValueError);
    }
    expect(() => resolve({ [option]: '5 MiB' })).toThrow(
      `${option} must be a number of bytes greater than zero, got '5 MiB'`,
    );
  });

  it("refuse a maxAttempts that isn't a whole number above zero", () => {
    expect(resolve({ maxAttempts: 1 }).maxAttempts).toBe(1);
    for (const value of [0, -1, 1.5, NaN, Infinity, null]) {
      expect(() => resolve({ maxAttempts: value })).toThrow(ValueError);
    }
    expect(() => resolve({ maxAttempts: '3' })).toThrow("maxAttempts must be a whole number of at least 1, got '3'");
  });

  it("refuse a driverName or keyPrefix that isn't a string", () => {
    expect(() => resolve({ driverName: 7 })).toThrow(new ValueError('driverName must be a string, got 7'));
    expect(() => resolve({ keyPrefix: null })).toThrow('4096 characters at most, got null');
    expect(() => resolve({ keyPrefix: 'a\ud800' })).toThrow('keyPrefix must be a string of well-formed Unicode');
    expect(() => resolve({ keyPrefix: 'a'.repeat(4097) })).toThrow(/^keyPrefix .{1,500}$/);
  });

  it('refuse a client without the methods get and setIfAbsent', () => {
    for (const value of [undefined, null, {}, { get: client.get }, { setIfAbsent: client.setIfAbsent }, 5]) {
      expect(() => resolve({ client: value })).toThrow(ValueError);
      expect(() => resolve({ client: value })).toThrow('client must have the methods get and setIfAbsent');
    }
    expect(() => new RedisStorageDriver(undefined as never)).toThrow('client must have the methods');
  });

  it('are refused without showing the content of the client', () => {
    for (const value of ['redis://user:secret@host', { password: 'secret' }, ['secret']]) {
      expect(() => resolve({ client: value })).toThrow(/^(?!.*secret)/);
    }
  });
});
