import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BufferPool } from '../src/buffer-pool';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const KIB = 1024;
const MIB = 1024 * KIB;

describe('the buffer pool', () => {
  it('uses a buffer again that was given back, for about the same size', () => {
    const pool = new BufferPool(() => 10 * MIB);
    const first = pool.take(MIB);
    pool.giveBack(first);
    const second = pool.take(MIB - 10);
    expect(second.buffer).toBe(first.buffer);
    expect(second).toHaveLength(MIB - 10);
    pool.giveBack(second);
    expect(pool.take(MIB / 2).buffer).not.toBe(first.buffer);
    expect(pool.take(2 * MIB).buffer).not.toBe(first.buffer);
  });

  it('gives no buffer to two owners, and none that is much larger than its use', () => {
    const pool = new BufferPool(() => 100 * MIB);
    const taken = new Set<Buffer<ArrayBuffer>>();
    let mostWasted = 0;
    let shared = 0;
    for (let step = 0; step < 3000; step++) {
      const [oldest] = taken;
      if (oldest !== undefined && Math.random() < 0.5) {
        taken.delete(oldest);
        pool.giveBack(oldest);
      } else {
        const size = Math.ceil(Math.random() ** 4 * MIB);
        const buffer = pool.take(4 * KIB + size);
        if ([...taken].some((other) => other.buffer === buffer.buffer)) shared++;
        mostWasted = Math.max(mostWasted, buffer.buffer.byteLength / buffer.length);
        taken.add(buffer);
      }
    }
    expect(shared).toBe(0);
    expect(mostWasted).toBeLessThanOrEqual(1.125);
  });

  it('keeps no more idle bytes than there is room for', () => {
    let room = 3 * MIB;
    const pool = new BufferPool(() => room);
    const buffers = Array.from({ length: 10 }, () => pool.take(MIB));
    // Each buffer's own bytes leave with it.
    for (const buffer of buffers) {
      room -= MIB;
      pool.giveBack(buffer);
      room += MIB;
    }
    const used = new Set(buffers.map(({ buffer }) => buffer));
    const again = Array.from({ length: 10 }, () => pool.take(MIB));
    expect(again.filter(({ buffer }) => used.has(buffer))).toHaveLength(3);
  });

  it('drops idle buffers if a new one needs their room', async () => {
    let room = 4 * MIB;
    const pool = new BufferPool(() => room);
    const idle = [pool.take(MIB), pool.take(MIB)].map((buffer) => (pool.giveBack(buffer), new WeakRef(buffer.buffer)));
    room = 0;
    pool.take(4 * MIB);
    expect(await collectUntil(() => idle.every((reference) => reference.deref() === undefined))).toBe(true);
  });

  it('gives idle buffers back after a few seconds, and keeps no process alive for it', async () => {
    const countTimers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = countTimers();
    const pool = new BufferPool(() => 100 * MIB);
    const idle = [1, 2, 3].map((size) => {
      const buffer = pool.take(size * MIB);
      pool.giveBack(buffer);
      return new WeakRef(buffer.buffer);
    });
    expect(countTimers()).toBe(before);
    expect(await collectUntil(() => idle.every((reference) => reference.deref() === undefined))).toBe(true);
  });
});

/** Collects garbage until `check` holds, or for twenty seconds. */
async function collectUntil(check: () => boolean): Promise<boolean> {
  for (let attempt = 0; attempt < 200; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    collectGarbage();
    if (check()) return true;
  }
  return false;
}
