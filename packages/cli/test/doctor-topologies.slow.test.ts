import { startRedisCluster, startRedisSentinel } from '@temporal-redis-storage/testing';
import { DURABLE, findTroubles, runDoctor, send, useServers } from './support/doctor';
import { eventually } from './support/scripted-workflows';

jest.setTimeout(120_000);

describe('doctor', () => {
  const { keep, startServer } = useServers();

  it('finds that it is connected to a replica', async () => {
    const primary = await startServer(...DURABLE);
    const { url } = await startServer(...DURABLE, '--replicaof', primary.host, String(primary.port));
    const findings = await runDoctor(url);
    expect(findings.get('role')).toMatchObject({ severity: 'error', seen: 'replica' });
    expect(findings.get('writes')).toMatchObject({ severity: 'error', advice: 'Connect to the primary.' });
  });

  it('finds that replicas do not guard writes, and that too few are in step', async () => {
    const primary = await startServer(...DURABLE);
    await startServer('--replicaof', primary.host, String(primary.port));
    await eventually(async () => (await runDoctor(primary.url)).get('replicas')?.seen === '1 online');
    expect(findTroubles(await runDoctor(primary.url))).toEqual({ 'min-replicas-to-write': 'warning' });

    await send(primary.url, 'CONFIG', 'SET', 'min-replicas-to-write', '1');
    await eventually(async () => Object.keys(findTroubles(await runDoctor(primary.url))).length === 0);

    await send(primary.url, 'CONFIG', 'SET', 'min-replicas-to-write', '2');
    const findings = await runDoctor(primary.url);
    expect(findTroubles(findings)).toEqual({ 'min-replicas-to-write': 'error', writes: 'error' });
    expect(findings.get('writes')!.seen).toContain('NOREPLICAS');
  });

  it('warns of a replica that is not in sync yet', async () => {
    const primary = await startServer(...DURABLE, '--repl-diskless-sync', 'yes', '--repl-diskless-sync-delay', '600');
    await startServer('--replicaof', primary.host, String(primary.port));
    await eventually(async () => (await runDoctor(primary.url)).get('replicas')?.seen !== 'none');
    expect((await runDoctor(primary.url)).get('replicas')).toMatchObject({
      severity: 'warning',
      seen: '1 of 1 not online',
    });
  });

  it('looks at every primary of a Redis Cluster, and warns where only one is looked at', async () => {
    const { nodes } = keep(await startRedisCluster({ replicasPerMaster: 0 }));
    const { url } = nodes[0]!;
    for (const node of nodes) await send(node.url, 'CONFIG', 'SET', 'appendonly', 'yes');
    expect(findTroubles(await runDoctor(url, { cluster: true }))).toEqual({});
    expect(findTroubles(await runDoctor(url))).toEqual({ cluster: 'warning' });

    await send(nodes[1]!.url, 'CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    const findings = await runDoctor(url, { cluster: true });
    expect(findings.get('eviction-policy')).toMatchObject({
      severity: 'error',
      seen: `127.0.0.1:${nodes[1]!.port}: allkeys-lru`,
    });
  });

  it('looks at the primaries of a Redis Cluster, though the URL is that of a replica', async () => {
    const { nodes } = keep(await startRedisCluster({ masters: 1, replicasPerMaster: 1 }));
    const findings = await runDoctor(nodes[1]!.url, { cluster: true });
    expect(findings.get('role')).toMatchObject({ severity: 'ok', seen: 'primary' });
    expect(findings.get('writes')).toMatchObject({ severity: 'ok' });
    const replica = await runDoctor(nodes[1]!.url);
    expect(replica.get('role')).toMatchObject({ severity: 'error', seen: 'replica' });
    expect(replica.get('writes')).toMatchObject({ severity: 'error', advice: 'Connect to the primary.' });
  });

  it('finds slots of a Redis Cluster that nobody serves, and says so if it may not look', async () => {
    const { nodes } = keep(await startRedisCluster({ masters: 2, replicasPerMaster: 0 }));
    const { url, host, port } = nodes[0]!;
    for (const node of nodes) await send(node.url, 'CLUSTER', 'DELSLOTS', '100');
    await eventually(async () => (await runDoctor(url, { cluster: true })).get('cluster')?.severity === 'error');
    const findings = await runDoctor(url, { cluster: true });
    expect(findings.get('cluster')!.seen).toMatch(/state fail, 16383 of 16384 slots served$/);
    expect(findings.get('writes')!.seen).toContain('CLUSTERDOWN');

    await send(url, 'ACL', 'SETUSER', 'blind', 'on', '>secret', '~*', '+@all', '-cluster');
    const blind = await runDoctor(`redis://blind:secret@${host}:${port}`);
    expect(blind.get('cluster')).toMatchObject({ severity: 'unknown', seen: 'CLUSTER INFO is refused' });
  });

  it('finds that the URL is that of a Sentinel, or of a replica that it watches', async () => {
    const { sentinels, nodes } = keep(await startRedisSentinel());
    const { host, port } = sentinels[0]!;
    const findings = await runDoctor(`redis://${host}:${port}`);
    expect(findings.get('role')).toMatchObject({ severity: 'error', seen: 'a Sentinel' });
    expect((await runDoctor(nodes[1]!.url)).get('role')).toMatchObject({ severity: 'error', seen: 'replica' });
    for (const setting of [
      ['appendonly', 'yes'],
      ['min-replicas-to-write', '1'],
    ]) {
      await send(nodes[0]!.url, 'CONFIG', 'SET', ...setting);
    }
    expect(findTroubles(await runDoctor(nodes[0]!.url))).toEqual({});
  });
});
