import { HttpError } from '../src/http-error';
import { readJson } from '../src/request-body';

function createRequest(body: ReadableStream<Uint8Array> | null): Request {
  return new Request('http://localhost/decode', { method: 'POST', body, duplex: 'half' });
}

describe('readJson', () => {
  it('gives up on a body whose sender stalls, with 408', async () => {
    const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(Buffer.from('{')) });
    const reading = readJson(createRequest(body), 100, 50);
    await expect(reading).rejects.toBeInstanceOf(HttpError);
    await expect(reading).rejects.toMatchObject({ status: 408, message: expect.stringContaining('50 ms') });
  });

  it('waits for a sender that is slow and does not stall', async () => {
    let count = 0;
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        if (count++ === 20) controller.close();
        else controller.enqueue(Buffer.from('1'));
      },
    });
    await expect(readJson(createRequest(body), 100, 200)).resolves.toMatchObject({ value: Number('1'.repeat(20)) });
  });

  it('reports a body that was cut off with 400 and the cause', async () => {
    const cause = new Error('ECONNRESET');
    const body = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(cause) });
    await expect(readJson(createRequest(body), 100)).rejects.toMatchObject({ status: 400, cause });
  });

  it('reads as much as maxBytes, and no more, whatever Content-Length says', async () => {
    const chunks = (text: string) => new Response(text).body;
    await expect(readJson(createRequest(chunks('12345')), 5)).resolves.toMatchObject({ value: 12345 });
    await expect(readJson(createRequest(chunks('123456')), 5)).rejects.toMatchObject({ status: 413 });
    const lying = new Request('http://localhost/decode', {
      method: 'POST',
      body: '1',
      headers: { 'Content-Length': '1e9' },
    });
    await expect(readJson(lying, 5)).rejects.toMatchObject({ status: 413 });
  });

  it('refuses a request without a body', async () => {
    await expect(readJson(createRequest(null), 5)).rejects.toMatchObject({ status: 400 });
  });
});
