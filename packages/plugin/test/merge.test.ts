import { RedisStorageDriver } from '@temporal-redis-storage/core';
import { ExternalStorage, ValueError, type Payload, type StorageDriver } from '@temporalio/common';
import { RedisStoragePlugin, type RedisStoragePluginOptions } from '../src';

const PAYLOAD: Payload = { data: Buffer.from('data') };
const KIB = 1024;

function createDriver(driverName?: string): RedisStorageDriver {
  const client = { get: async () => null, setIfAbsent: async () => true };
  return new RedisStorageDriver({ client, ...(driverName !== undefined && { driverName }) });
}

class OtherDriver implements StorageDriver {
  readonly type = 'other';
  constructor(readonly name: string) {}
  store = async () => [];
  retrieve = async () => [];
}

function configure(options: RedisStoragePluginOptions, existing?: ExternalStorage): ExternalStorage {
  const plugin = new RedisStoragePlugin(options);
  return plugin.configureDataConverter(existing && { externalStorage: existing }).externalStorage!;
}

describe('RedisStoragePlugin merges', () => {
  it('its driver into a data converter without external storage', () => {
    const driver = createDriver();
    const storage = configure({ driver });
    expect(storage.drivers).toEqual([driver]);
    expect(storage.driverSelector({}, PAYLOAD)).toBe(driver);
    expect(storage.payloadSizeThreshold).toBe(256 * KIB);
  });

  it('codecs and converters through, and leaves the data converter that it got alone', () => {
    const codec = { encode: async (payloads: Payload[]) => payloads, decode: async (payloads: Payload[]) => payloads };
    const dataConverter = Object.freeze({
      payloadCodecs: [codec],
      payloadConverterPath: '/converter',
      failureConverterPath: '/failures',
    });
    const plugin = new RedisStoragePlugin({ driver: createDriver() });
    expect(plugin.configureDataConverter(dataConverter)).toEqual({
      ...dataConverter,
      externalStorage: expect.any(ExternalStorage) as ExternalStorage,
    });
  });

  it('its driver beside those that are registered, which stay, and new payloads go to it', () => {
    const [driver, other] = [createDriver(), new OtherDriver('other')];
    const existing = new ExternalStorage({ drivers: [other], payloadSizeThreshold: 5 });
    const storage = configure({ driver }, existing);
    expect(storage.getDriver('other')).toBe(other);
    expect(storage.getDriver('redis')).toBe(driver);
    expect(storage.driverSelector({}, PAYLOAD)).toBe(driver);
    expect(storage.payloadSizeThreshold).toBe(5);
    expect(existing.drivers).toEqual([other]);
  });

  it('no driver twice that is registered already', () => {
    const [driver, other] = [createDriver(), new OtherDriver('other')];
    const existing = new ExternalStorage({ drivers: [other, driver], driverSelector: () => other });
    const storage = configure({ driver }, existing);
    expect(new Set(storage.drivers)).toEqual(new Set([driver, other]));
    expect(storage.drivers).toHaveLength(2);
    expect(storage.driverSelector({}, PAYLOAD)).toBe(driver);
  });

  it('a threshold that is given over the one that is there', () => {
    const existing = new ExternalStorage({ drivers: [new OtherDriver('other')], payloadSizeThreshold: 5 });
    expect(configure({ driver: createDriver(), payloadSizeThreshold: 0 }, existing).payloadSizeThreshold).toBe(0);
    expect(configure({ driver: createDriver(), payloadSizeThreshold: 7 }).payloadSizeThreshold).toBe(7);
  });

  it('a selector that is given over the one that is there', () => {
    const existing = new ExternalStorage({ drivers: [new OtherDriver('other')] });
    const driverSelector = () => null;
    expect(configure({ driver: createDriver(), driverSelector }, existing).driverSelector).toBe(driverSelector);
  });

  it("no selector over the one that is there with driverSelector 'existing'", () => {
    const other = new OtherDriver('other');
    const existing = new ExternalStorage({ drivers: [other] });
    const storage = configure({ driver: createDriver(), driverSelector: 'existing' }, existing);
    expect(storage.driverSelector({}, PAYLOAD)).toBe(other);
    expect(storage.getDriver('redis')).not.toBeNull();
  });

  it('once, however often it is given, also if another plugin copies the data converter in between', () => {
    const driverSelector = jest.fn(() => null);
    const plugin = new RedisStoragePlugin({ driver: createDriver(), driverSelector });
    const once = plugin.configureClient({ dataConverter: { payloadCodecs: [] } });
    const twice = plugin.configureClient({ ...once, dataConverter: { ...once.dataConverter } });
    expect(twice.dataConverter.payloadCodecs).toEqual([]);
    expect((twice.dataConverter as { externalStorage?: unknown }).externalStorage).toBe(
      (once.dataConverter as { externalStorage?: unknown }).externalStorage,
    );
  });

  it('two plugins with drivers of different names, of which the last gets new payloads', () => {
    const [first, second] = [createDriver('first'), createDriver('second')];
    const storage = configure({ driver: second }, configure({ driver: first }));
    expect(storage.getDriver('first')).toBe(first);
    expect(storage.driverSelector({}, PAYLOAD)).toBe(second);
  });
});

describe('RedisStoragePlugin refuses', () => {
  it('another driver of the same name, and names both', () => {
    const merge = () =>
      configure({ driver: createDriver() }, new ExternalStorage({ drivers: [new OtherDriver('redis')] }));
    expect(merge).toThrow(ValueError);
    expect(merge).toThrow(
      "Two storage drivers have the name 'redis': a RedisStorageDriver of type 'redis' of RedisStoragePlugin and " +
        "a OtherDriver of type 'other' in dataConverter.externalStorage. Give one of them another driverName",
    );
  });

  it("driverSelector 'existing' where none exists", () => {
    const merge = () => configure({ driver: createDriver(), driverSelector: 'existing' });
    expect(merge).toThrow(ValueError);
    expect(merge).toThrow("driverSelector is 'existing', but dataConverter has no externalStorage");
  });

  it.each<[string, object, RegExp]>([
    ['no driver', {}, /^driver must be a storage driver/],
    ['a client in the place of a driver', { driver: { get: 1 } }, /^driver must be a storage driver/],
    ['a driver without a name', { driver: new OtherDriver('') }, /^driver must have a name/],
    [
      'a driver in the place of a selector',
      { driver: createDriver(), driverSelector: {} },
      /^driverSelector must be .* got object/,
    ],
    [
      'a selector that does not exist',
      { driver: createDriver(), driverSelector: 'exist' },
      /^driverSelector must be .* got string/,
    ],
    [
      'a negative threshold',
      { driver: createDriver(), payloadSizeThreshold: -1 },
      /^payloadSizeThreshold must be .* got -1/,
    ],
    [
      'a threshold with a unit',
      { driver: createDriver(), payloadSizeThreshold: '5 kB' },
      /^payloadSizeThreshold must be .* got 5 kB/,
    ],
  ])('%s, and names the option', (_title, options, message) => {
    const create = () => new RedisStoragePlugin(options as RedisStoragePluginOptions);
    expect(create).toThrow(ValueError);
    expect(create).toThrow(message);
  });
});
