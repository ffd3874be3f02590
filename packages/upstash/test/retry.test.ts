import { setTimeout as sleep } from 'node:timers/promises';
import { resolveSettings } from '../src/settings';
import { fetchWithRetries, type HttpResponse } from '../src/retry';

jest.mock('node:timers/promises', () => ({ setTimeout: jest.fn(async () => {}) }));

const { retries, backoff } = resolveSettings({ url: 'https://localhost', token: 'token' });

function createResponse(status: number, headers: Record<string, string> = {}): HttpResponse {
  return { status, headers: new Headers(headers), body: new Uint8Array() };
}

function getDelays(): number[] {
  return jest.mocked(sleep).mock.calls.map(([delay]) => delay!);
}

beforeEach(() => jest.mocked(sleep).mockClear());

describe('fetchWithRetries', () => {
  it('retries five times with a backoff of 50 ms times the powers of e, as @upstash/redis does', async () => {
    const send = jest.fn(async () => createResponse(503));

    expect(await fetchWithRetries({ retries, backoff }, undefined, send)).toMatchObject({ status: 503 });

    expect(send).toHaveBeenCalledTimes(6);
    expect(getDelays().map(Math.round)).toEqual([50, 136, 369, 1004, 2730]);
  });

  it.each([429, 500, 502, 503, 504])('retries a response with status %d', async (status) => {
    const send = jest
      .fn<Promise<HttpResponse>, []>()
      .mockResolvedValueOnce(createResponse(status))
      .mockResolvedValue(createResponse(200));

    expect(await fetchWithRetries({ retries, backoff }, undefined, send)).toMatchObject({ status: 200 });

    expect(send).toHaveBeenCalledTimes(2);
  });

  it.each([200, 301, 400, 401, 403, 404, 405, 413])('does not retry a response with status %d', async (status) => {
    const send = jest.fn(async () => createResponse(status));

    expect(await fetchWithRetries({ retries, backoff }, undefined, send)).toMatchObject({ status });

    expect(send).toHaveBeenCalledTimes(1);
  });

  it('retries network failures, and rejects with the last failure as the cause', async () => {
    const failures = ['first', 'second', 'last'].map((message) => new Error(message));
    const send = jest.fn<Promise<HttpResponse>, []>();
    for (const failure of failures) send.mockRejectedValueOnce(failure);

    await expect(fetchWithRetries({ retries: 2, backoff }, undefined, send)).rejects.toMatchObject({
      name: 'UpstashRequestError',
      cause: failures[2],
    });
  });

  it('waits for the Retry-After of the server if it is longer than the backoff', async () => {
    const date = new Date(Date.now() + 1_900).toUTCString();
    const values = ['2', '0', date, 'nonsense', '-5', 'Thu, 01 Jan 1970 00:00:00 GMT'];
    const send = jest.fn<Promise<HttpResponse>, []>();
    for (const value of values) send.mockResolvedValueOnce(createResponse(429, { 'retry-after': value }));
    send.mockResolvedValue(createResponse(200));

    await fetchWithRetries({ retries: values.length, backoff: () => 70 }, undefined, send);

    const [seconds, zero, untilDate, ...rest] = getDelays();
    expect([seconds, zero, ...rest]).toEqual([2000, 70, 70, 70, 70]);
    // An HTTP date has whole seconds.
    expect(untilDate).toBeGreaterThanOrEqual(70);
    expect(untilDate).toBeLessThanOrEqual(1_900);
  });

  it.each(['3', '86400'])(
    'does not wait for a Retry-After of %s seconds, and returns the response',
    async (seconds) => {
      const send = jest.fn(async () => createResponse(429, { 'retry-after': seconds }));

      expect(await fetchWithRetries({ retries, backoff }, undefined, send)).toMatchObject({ status: 429 });

      expect(send).toHaveBeenCalledTimes(1);
      expect(getDelays()).toEqual([]);
    },
  );
});
