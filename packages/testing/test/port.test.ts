import { once } from 'node:events';
import { createServer } from 'node:net';
import { findFreeClusterPort, retryTakenPort } from '../src/servers/port';

describe('findFreeClusterPort', () => {
  it('finds a free port whose bus port is free too', async () => {
    const port = await findFreeClusterPort();

    for (const each of [port, port + 10_000]) {
      const server = createServer().listen(each, '127.0.0.1');
      await expect(once(server, 'listening')).resolves.toBeDefined();
      server.close();
    }
  });
});

describe('retryTakenPort', () => {
  const taken = new Error('port 1234 is in use');

  it('calls start up to three times', async () => {
    const start = jest.fn().mockRejectedValueOnce(taken).mockRejectedValueOnce(taken).mockResolvedValueOnce('started');
    expect(await retryTakenPort(start)).toBe('started');

    const alwaysFail = jest.fn().mockRejectedValue(taken);
    await expect(retryTakenPort(alwaysFail)).rejects.toBe(taken);
    expect(alwaysFail).toHaveBeenCalledTimes(3);
  });

  it('does not call start again after another error', async () => {
    const other = new Error('no such setting');
    const start = jest.fn().mockRejectedValue(other);

    await expect(retryTakenPort(start)).rejects.toBe(other);
    expect(start).toHaveBeenCalledTimes(1);
  });
});
