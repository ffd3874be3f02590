import { StorageDriverClaim } from '@temporalio/common';
import { RedisStorageDriver } from '../src';
import { formatKey, formatValue } from '../src/format-value';
import { InMemoryStorageDriverClient } from '../src/testing';

const digest = 'a'.repeat(64);

describe('a key in an error message', () => {
  it('is unchanged if it is an ordinary key', () => {
    const key = `temporalio:payloads:v0:ns:default:wt:T:wi:a%20b:ri:null:d:sha256:${digest}`;
    expect(formatKey(key)).toBe(key);
  });

  it.each([
    ['a line break', 'x\r\n2026-01-01 ERROR forged line'],
    ['an escape sequence', 'x\u001b[31m'],
    ['a bidirectional override', 'x\u202e'],
    ['a line separator', 'x\u2028y'],
    ['a zero-width space', 'x\u200b'],
  ])('shows %s as an escape', async (_name, prefix) => {
    const client = new InMemoryStorageDriverClient();
    const claim = new StorageDriverClaim({ key: `${prefix}:v0:d:sha256:${digest}` });
    const error: unknown = await new RedisStorageDriver({ client }).retrieve({}, [claim]).catch((e: unknown) => e);
    expect((error as Error).message).toMatch(new RegExp(`^Payload not found for key 'x[ -~]*:v0:d:sha256:${digest}'$`));
  });

  it('is cut in the middle if it is very long, and keeps its digest', () => {
    const formatted = formatKey(`${'k'.repeat(300_000)}:v0:d:sha256:${digest}`);
    expect(formatted.length).toBeLessThan(5000);
    expect(formatted.endsWith(`:d:sha256:${digest}`)).toBe(true);
  });
});

it('a value in an error message is on one line too', () => {
  expect(formatValue('a\u202eb\nc')).toMatch(/^[ -~]+$/);
});
