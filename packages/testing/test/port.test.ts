import { once } from 'node:events';
import { createServer } from 'node:net';
import { findFreeClusterPort, retryTakenPort } from '../src/servers/port';

describe('freeClusterPort', () => {
  it('finds a port that is free, as is its bus port', async () => {
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

  it('tries three times', async () => {
    const start = jest.fn().mockRejectedValueOnce(taken).mockRejectedValueOnce(taken).mockResolvedValueOnce('started');
    expect(await retryTakenPort(start)).toBe('started');

    const startInVain = jest.fn().mockRejectedValue(taken);
    await expect(retryTakenPort(startInVain)).rejects.toBe(taken);
    expect(startInVain).toHaveBeenCalledTimes(3);
  });

  it('does not try again after another failure', async () => {
    const other = new Error('no such setting');
    const start = jest.fn().mockRejectedValue(other);

    await expect(retryTakenPort(start)).rejects.toBe(other);
    expect(start).toHaveBeenCalledTimes(1);
  });
});
