import type { RedisStorageDriverClient } from './client';

/**
 * A client with some of its methods replaced. Everything that `overrides` leaves out is the decorated client's,
 * optional methods that later versions add included; only `releasesData` must be said again, because the overrides may keep data.
 *
 * @experimental
 */
export function decorateClient(
  client: RedisStorageDriverClient,
  overrides: Partial<RedisStorageDriverClient>,
): RedisStorageDriverClient {
  return new Proxy({ ...overrides } as RedisStorageDriverClient, {
    get(own, name): unknown {
      if (Reflect.has(own, name) || name === 'releasesData') return Reflect.get(own, name);
      const value: unknown = Reflect.get(client, name);
      // A method may use private fields, which a Proxy doesn't have.
      return typeof value === 'function' ? (value.bind(client) as unknown) : value;
    },
    has: (own, name) => Reflect.has(own, name) || (name !== 'releasesData' && Reflect.has(client, name)),
  });
}
