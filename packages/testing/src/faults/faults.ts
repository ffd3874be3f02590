import { setTimeout as sleep } from 'node:timers/promises';

/** The connection whose bytes a fault has in hand. Its own object for as long as the connection lasts. */
export interface FaultyLink {
  /** Closes both ends once what has passed is delivered. */
  cut(): void;
  /** Closes both ends at once, with a RST. */
  reset(): void;
}

/**
 * What becomes of a chunk of bytes on its way: the fault yields what goes on, in its own time. It gets the chunks of a
 * direction of a link one after another. `replaced` aborts once another fault takes this one's place.
 */
export type Fault = (bytes: Buffer, link: FaultyLink, replaced: AbortSignal) => AsyncIterable<Buffer>;

/** No fault. */
export const pass: Fault = async function* (bytes) {
  yield bytes;
};

/** Holds everything back until it is replaced, as a network that drops packets and comes back does. */
export const hold: Fault = async function* (bytes, _link, replaced) {
  await waitFor(Infinity, replaced);
  yield bytes;
};

/** Lets nothing through, ever. */
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

/** Lets each chunk wait for so long. */
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

/** Lets so many bytes pass, counted over all links, before the fault sets in: in the middle of a value, say. */
export function after(count: number, fault: Fault): Fault {
  let left = count;
  return async function* (bytes, link, replaced) {
    const passing = bytes.subarray(0, left);
    const rest = bytes.subarray(passing.length);
    left -= passing.length;
    if (passing.length > 0) yield passing;
    if (rest.length > 0) yield* fault(rest, link, replaced);
  };
}

/** Befalls a single chunk, of whichever link comes first. */
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
