/** @jest-environment jsdom */
import { TextDecoder, TextEncoder } from 'node:util';
import type * as Core from '../src';
import type * as Testing from '../src/testing';

// The SDK needs them, and jsdom lacks them.
Object.assign(globalThis, { TextDecoder, TextEncoder });

// After that, so not by an import.
const { RedisStorageDriver } = jest.requireActual<typeof Core>('../src');
const { InMemoryStorageDriverClient } = jest.requireActual<typeof Testing>('../src/testing');

describe('in an environment whose timers are numbers', () => {
  it('requests wait for capacity', async () => {
    expect(typeof setTimeout(() => {}, 0)).toBe('number');
    const driver = new RedisStorageDriver({ client: new InMemoryStorageDriverClient(), maxBytesInFlight: 1e6 });
    const payloads = [1, 2, 3].map((fill) => ({ metadata: {}, data: new Uint8Array(900_000).fill(fill) }));
    const read = await driver.retrieve({}, await driver.store({}, payloads));
    expect(read.map(({ data }) => data![0])).toEqual([1, 2, 3]);
  });
});
