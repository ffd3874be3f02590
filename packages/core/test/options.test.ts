import { ValueError } from '@temporalio/common';
import { resolveOptions } from '../src/options';
import { RedisStorageDriver } from '../src';

const client = { get: async () => null, setIfAbsent: async () => true };

function settings(options: Record<string, unknown> = {}): ReturnType<typeof resolveOptions> {
  return resolveOptions({ client, ...options });
}

describe('the options', () => {
  it('have the documented defaults', () => {
    expect(settings()).toEqual({
      client,
      driverName: 'redis',
      maxAttempts: 6,
      maxBytesInFlight: 104857600,
      keyPrefix: 'temporalio:payloads',
      ttlMs: undefined,
      maxPayloadSize: 52_428_800,
      requestTimeoutMs: 8000,
    });
  });

  it('set the name of the driver, and the default name if it is empty', () => {
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
    expect(settings({ keyPrefix }).keyPrefix).toBe(expected);
  });

  it.each([
    ['45 days', 3_888_000_000],
    ['1m', 60_000],
    [1500, 1500],
    [1500.2, 1501],
    [0.001, 1],
    ['0.5 ms', 1],
  ])('accept %p as a duration of %p ms', (duration, ms) => {
    expect(settings({ ttl: duration }).ttlMs).toBe(ms);
    expect(settings({ requestTimeout: duration }).requestTimeoutMs).toBe(Math.min(ms, 2_147_483_647));
  });

  it.each(['ttl', 'requestTimeout'])("refuse a %s that isn't a duration greater than zero", (option) => {
    for (const value of [0, -1, NaN, Infinity, 1e300, '', 'nonsense', '0 days', '-1 day', null, {}, true, 5n]) {
      expect(() => settings({ [option]: value })).toThrow(ValueError);
      expect(() => settings({ [option]: value })).toThrow(`${option} must be a duration greater than zero`);
    }
    expect(() => settings({ [option]: '5 parsecs' })).toThrow("got '5 parsecs'");
  });

  it.each(['maxPayloadSize', 'maxBytesInFlight'])("refuse a %s that isn't a finite number above zero", (option) => {
    for (const value of [0, -1, NaN, Infinity, '5', null]) {
      expect(() => settings({ [option]: value })).toThrow(ValueError);
    }
    expect(() => settings({ [option]: '5 MiB' })).toThrow(
      `${option} must be a number of bytes greater than zero, got '5 MiB'`,
    );
  });

  it("refuse a maxAttempts that isn't a whole number above zero", () => {
    expect(settings({ maxAttempts: 1 }).maxAttempts).toBe(1);
    for (const value of [0, -1, 1.5, NaN, Infinity, null]) {
      expect(() => settings({ maxAttempts: value })).toThrow(ValueError);
    }
    expect(() => settings({ maxAttempts: '3' })).toThrow("maxAttempts must be a whole number of at least 1, got '3'");
  });

  it("refuse a driverName or keyPrefix that isn't a string", () => {
    expect(() => settings({ driverName: 7 })).toThrow(new ValueError('driverName must be a string, got 7'));
    expect(() => settings({ keyPrefix: null })).toThrow('4096 characters at most, got null');
    expect(() => settings({ keyPrefix: 'a\ud800' })).toThrow('keyPrefix must be a string of well-formed Unicode');
    expect(() => settings({ keyPrefix: 'a'.repeat(4097) })).toThrow(/^keyPrefix .{1,500}$/);
  });

  it('refuse a client without both methods', () => {
    for (const value of [undefined, null, {}, { get: client.get }, { setIfAbsent: client.setIfAbsent }, 5]) {
      expect(() => settings({ client: value })).toThrow(ValueError);
      expect(() => settings({ client: value })).toThrow('client must have the methods get and setIfAbsent');
    }
    expect(() => new RedisStorageDriver(undefined as never)).toThrow('client must have the methods');
  });

  it('never show the content of a refused client', () => {
    for (const value of ['redis://user:secret@host', { password: 'secret' }, ['secret']]) {
      expect(() => settings({ client: value })).toThrow(/^(?!.*secret)/);
    }
  });
});
