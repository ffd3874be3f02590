import { createSentinel } from 'redis';
import { startRedisSentinel } from '../src/servers/redis-sentinel';
import { waitUntil } from '../src/wait-until';
import { withKilledParent } from './killed-parent';
import { isReachable } from './reachable';

describe('startRedisSentinel', () => {
  it('starts a master, a replica and three sentinels that a client can use, and stops all of them on stop', async () => {
    const { name, sentinels, nodes, stop } = await startRedisSentinel();
    try {
      const client = createSentinel({ name, sentinelRootNodes: sentinels });
      await client.connect();
      await client.set('key', 'value');
      expect(await client.get('key')).toBe('value');
      expect(client.getMasterNode()).toMatchObject({ host: nodes[0]!.host, port: nodes[0]!.port });
      await client.close();
    } finally {
      await stop();
    }
    const all = [...sentinels, ...nodes];
    expect(await Promise.all(all.map(isReachable))).toEqual(all.map(() => false));
  });

  it('ends all servers when its process is killed', async () => {
    await withKilledParent('startRedisSentinel', async ({ sentinels, nodes }) => {
      await expect(
        waitUntil('all have ended', [...sentinels, ...nodes], async (address) => !(await isReachable(address))),
      ).resolves.toBeUndefined();
    });
  });
});
