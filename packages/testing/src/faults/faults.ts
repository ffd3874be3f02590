import { setTimeout as sleep } from 'node:timers/promises';

/** A connection through the proxy. A fault gets the same object for each chunk of a connection. */
export interface FaultyLink {
  /** Closes both ends after the bytes forwarded so far are delivered. */
  cut(): void;
  /** Closes both ends immediately with a RST. */
  reset(): void;
}

/**
 * Transforms a chunk of bytes: the proxy forwards the bytes that the fault yields, as soon as it yields them. The proxy
 * passes the chunks of each direction of a link one after another. `replaced` aborts once another fault replaces this one.
 */
export type Fault = (bytes: Buffer, link: FaultyLink, replaced: AbortSignal) => AsyncIterable<Buffer>;

/** No fault. */
export const pass: Fault = async function* (bytes) {
  yield bytes;
};

/** Keeps all bytes back until it is replaced, like a network that drops packets for a while. */
export const hold: Fault = async function* (bytes, _link, replaced) {
  await waitFor(Infinity, replaced);
  yield bytes;
};

/** Forwards nothing. */
export const swallow: Fault = async function* () {};

/** Closes the connection. */
export const cut: Fault = (bytes, link, replaced) => {
  link.cut();
  return swallow(bytes, link, replaced);
};

/** Closes the connection with a RST. */
export const reset: Fault = (bytes, link, replaced) => {
  link.reset();
  return swallow(bytes, link, replaced);
};

/** Flips a bit in the middle of each chunk. */
export const corrupt: Fault = async function* (bytes) {
  const middle = bytes.length >> 1;
  bytes[middle]! ^= 1;
  yield bytes;
};

/** Delays each chunk by `ms` milliseconds. */
export function delay(ms: number): Fault {
  return async function* (bytes, _link, replaced) {
    await waitFor(ms, replaced);
    yield bytes;
  };
}

const SLICES_PER_SECOND = 20;

/** Limits the rate of each link. */
export function throttle(bytesPerSecond: number): Fault {
  const size = Math.ceil(bytesPerSecond / SLICES_PER_SECOND);
  return async function* (bytes, _link, replaced) {
    for (let start = 0; start < bytes.length; start += size) {
      const slice = bytes.subarray(start, start + size);
      await waitFor((slice.length / bytesPerSecond) * 1000, replaced);
      yield slice;
    }
  };
}

/** Forwards `count` bytes, counted over all links, before the fault begins, for example in the middle of a value. */
export function after(count: number, fault: Fault): Fault {
  let left = count;
  return async function* (bytes, link, replaced) {
    const forwarded = bytes.subarray(0, left);
    const rest = bytes.subarray(forwarded.length);
    left -= forwarded.length;
    if (forwarded.length > 0) yield forwarded;
    if (rest.length > 0) yield* fault(rest, link, replaced);
  };
}

/** Applies a fault only to the first chunk of all links. */
export function once(fault: Fault): Fault {
  let isOver = false;
  return async function* (bytes, link, replaced) {
    const current = isOver ? pass : fault;
    isOver = true;
    yield* current(bytes, link, replaced);
  };
}

async function waitFor(ms: number, replaced: AbortSignal): Promise<void> {
  if (replaced.aborted) return;
  if (ms === Infinity) await new Promise((resolve) => replaced.addEventListener('abort', resolve));
  else await sleep(ms, undefined, { signal: replaced }).catch(() => {});
}
