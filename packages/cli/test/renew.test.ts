import { randomUUID } from 'node:crypto';
import { measureUsage, type RenewOptions, type RenewResult } from '../src';
import { createPrefix, spellKey, type KeyTarget } from './support/redis';
import { DAY_MS, DUE_MS, expectTtl, RenewServers, RETENTION_MS } from './support/renew-servers';
import { runCommand, runJson } from './support/run-command';
import { referTo } from './support/scripted-workflows';

jest.setTimeout(400_000);

describe('renew', () => {
  const servers = new RenewServers();
  let keyPrefix: string;

  beforeAll(async () => servers.start());

  beforeEach(() => {
    keyPrefix = createPrefix();
  });

  afterAll(async () => servers.stop());

  async function write(target: KeyTarget | undefined, ttlMs: number | null = DUE_MS): Promise<string> {
    return servers.write(keyPrefix, target, ttlMs);
  }

  async function renew(options: Partial<RenewOptions> = {}): Promise<RenewResult> {
    return servers.renew({ keyPrefix, ...options });
  }

  function flags(): string[] {
    const { address, namespace } = servers.temporal;
    return [
      '--redis-url',
      servers.server.url,
      '--address',
      address,
      '--namespace',
      namespace,
      '--key-prefix',
      keyPrefix,
    ];
  }

  async function startOpen(id?: string): Promise<string> {
    return servers.startOpen(id);
  }

  async function startClosed(id?: string): Promise<string> {
    return servers.startClosed(id);
  }

  it('extends the payloads of an open run to ttl from now', async () => {
    const key = await write({ type: 'scripted', id: await startOpen() });
    await expect(renew()).resolves.toEqual({
      scanned: 1,
      expiring: 1,
      extended: 1,
      left: 0,
      unscoped: 0,
      unanswered: 0,
      dryRun: false,
    });
    await expectTtl(servers, key, 30 * DAY_MS);
  });

  it('extends the payloads of a closed run to the end of its retention and a margin', async () => {
    const key = await write({ id: await startClosed() }, 60_000);
    await expect(renew()).resolves.toMatchObject({ extended: 1, left: 0 });
    await expectTtl(servers, key, RETENTION_MS + 2 * DAY_MS);
  });

  it('never shortens a TTL', async () => {
    const key = await write({ id: await startClosed() }, 14 * DAY_MS);
    await expect(renew()).resolves.toMatchObject({ expiring: 1, extended: 0, left: 0 });
    await expectTtl(servers, key, 14 * DAY_MS);
  });

  it('leaves payloads of which nobody knows anything any more to expire', async () => {
    const key = await write({ id: 'long-gone' });
    await expect(renew()).resolves.toMatchObject({ expiring: 1, extended: 0, left: 1 });
    await expectTtl(servers, key, DUE_MS);
  });

  it('looks at nothing that lives longer than within, and adds no TTL', async () => {
    const id = await startOpen();
    const later = await write({ id }, 16 * DAY_MS);
    const forever = await write({ id }, null);
    await expect(renew()).resolves.toMatchObject({ scanned: 2, expiring: 0, extended: 0 });
    await expectTtl(servers, later, 16 * DAY_MS);
    await expect(servers.redis.pTTL(forever)).resolves.toBe(-1);
    await expect(renew({ within: '20d' })).resolves.toMatchObject({ scanned: 2, expiring: 1, extended: 1 });
    await expectTtl(servers, later, 30 * DAY_MS);
  });

  it('touches no key of another namespace, prefix or format', async () => {
    const id = await startOpen();
    const foreign = await write({ namespace: 'another', id });
    const other = spellKey(`${keyPrefix}x`, { namespace: servers.temporal.namespace, id });
    const note = `${keyPrefix}:v0:note`;
    for (const key of [other, note]) await servers.redis.set(key, 'x', { PX: DUE_MS });
    await expect(renew()).resolves.toMatchObject({ scanned: 0, expiring: 0, extended: 0 });
    for (const key of [foreign, other, note]) await expectTtl(servers, key, DUE_MS);
  });

  it('extends payloads that do not say whose they are, unless they are to be skipped', async () => {
    const key = await write(undefined);
    const keyOfNamespace = await write({});
    await expect(renew({ unscoped: 'skip' })).resolves.toMatchObject({ unscoped: 2, extended: 0 });
    await expectTtl(servers, key, DUE_MS);
    await expect(renew()).resolves.toMatchObject({ unscoped: 2, extended: 2 });
    await expectTtl(servers, key, 30 * DAY_MS);
    await expectTtl(servers, keyOfNamespace, 30 * DAY_MS);
  });

  it('changes nothing in a dry run, and counts the same', async () => {
    const id = await startOpen();
    const key = await write({ id });
    await write({ id: 'long-gone' });
    await expect(renew({ dryRun: true })).resolves.toMatchObject({ extended: 1, left: 1, dryRun: true });
    await expectTtl(servers, key, DUE_MS);
    await expect(renew()).resolves.toMatchObject({ extended: 1, left: 1, dryRun: false });
  });

  it.each(['a"b', 'a\\b', "it's", 'x") OR (WorkflowId != "', '😀 ünï', 'tab\there', '%_*?', '`back`'])(
    'finds the open run with the id %j',
    async (id) => {
      const unique = `${id}${randomUUID()}`;
      await startOpen(unique);
      const key = await write({ id: unique });
      await write({ id: `${unique}, gone` });
      await expect(renew()).resolves.toMatchObject({ extended: 1, left: 1, unanswered: 0 });
      await expectTtl(servers, key, 30 * DAY_MS);
    },
  );

  describe('with a schedule', () => {
    it('extends its arguments, which are stored under an id that no run has, until it is deleted', async () => {
      const id = `s-${randomUUID()}`;
      const key = await write({ id });
      await servers.workflows.createSchedule(id, id, referTo(key));
      await servers.workflows.waitForSchedule(id, true);
      await expect(renew()).resolves.toMatchObject({ extended: 1, left: 0 });
      await expectTtl(servers, key, 30 * DAY_MS);

      await servers.workflows.deleteSchedule(id);
      await servers.workflows.waitForSchedule(id, false);
      await servers.redis.pExpire(key, DUE_MS);
      await expect(renew()).resolves.toMatchObject({ extended: 0, left: 1 });
    });

    it('extends its arguments for an open run, though the schedule is deleted', async () => {
      const id = `s-${randomUUID()}`;
      const key = await write({ id });
      await servers.workflows.createSchedule(id, id, referTo(key));
      await servers.workflows.trigger(id, id);
      await servers.workflows.deleteSchedule(id);
      await servers.workflows.waitForSchedule(id, false);
      await expect(renew()).resolves.toMatchObject({ extended: 1, left: 0 });
      await expectTtl(servers, key, 30 * DAY_MS);
    });
  });

  it('extends the payloads of a standalone activity', async () => {
    const id = `a-${randomUUID()}`;
    await servers.workflows.startActivity(id);
    const key = await write({ kind: 'activity', type: 'work', id });
    const gone = await write({ kind: 'activity', type: 'work', id: `${id}, gone` });
    await expect(renew()).resolves.toMatchObject({ extended: 1, left: 1, unanswered: 0 });
    await expectTtl(servers, key, 30 * DAY_MS);
    await expectTtl(servers, gone, DUE_MS);
  });

  it('extends everything when Temporal cannot be reached, says so, and exits with 1', async () => {
    const key = await write({ id: 'long-gone' });
    const { status, stdout } = await runCommand(['renew', ...flags(), '--address', '127.0.0.1:1', '--ttl', '30d']);
    expect(status).toBe(1);
    expect(stdout).toContain("because Temporal couldn't be asked: extended");
    expect(stdout).toMatch(/^The last failure: .*\S$/m);
    await expectTtl(servers, key, 30 * DAY_MS);
  });

  it('rejects a namespace that does not exist, and extends nothing', async () => {
    const key = await write({ namespace: 'no-such-namespace', id: 'x' });
    const { status, stderr } = await runCommand(['renew', ...flags(), '--namespace', 'no-such-namespace', '--ttl=30d']);
    expect(status).toBe(2);
    expect(stderr).toContain('Temporal has no namespace "no-such-namespace" (--namespace)');
    await expectTtl(servers, key, DUE_MS);
  });

  it('prints as JSON what renewPayloads answers', async () => {
    await write({ id: await startOpen() });
    await expect(runJson('renew', ...flags(), '--ttl', '30d', '--dry-run')).resolves.toEqual(
      await renew({ dryRun: true }),
    );
  });

  it('needs few permissions, as the README says', async () => {
    const id = await startOpen();
    const key = await write({ id });
    const { host, port, url } = servers.server;
    const allowed = 'on >secret +scan +pttl +pexpire +eval +sadd +smembers +strlen';
    await servers.redis.sendCommand(['ACL', 'SETUSER', 'renewer', ...allowed.split(' '), `~${keyPrefix}:*`]);
    const redisUrl = `redis://renewer:secret@${host}:${port}`;
    await expect(renew({ redisUrl })).resolves.toMatchObject({ extended: 1 });
    await expectTtl(servers, key, 30 * DAY_MS);
    await expect(measureUsage({ redisUrl, keyPrefix })).resolves.toEqual(
      await measureUsage({ redisUrl: url, keyPrefix }),
    );
  });

  it('reports its progress, and stops with the reason of its signal', async () => {
    const id = await startOpen();
    const key = await write({ id });
    const progress: RenewResult[] = [];
    const result = await renew({ onProgress: (now) => progress.push(now) });
    expect(progress.at(-1)).toEqual(result);

    await servers.redis.pExpire(key, DUE_MS);
    const stopping = new AbortController();
    const stopped = renew({ signal: stopping.signal, onProgress: () => stopping.abort(new Error('stopped')) });
    await expect(stopped).rejects.toThrow('stopped');
    await expect(renew({ signal: AbortSignal.abort(new Error('too late')) })).rejects.toThrow('too late');
  });

  it('does no harm when it runs twice at once', async () => {
    const id = await startOpen();
    const keys = await Promise.all(Array.from({ length: 50 }, async () => write({ id })));
    await Promise.all([renew(), renew()]);
    const ttls = await Promise.all(keys.map(async (key) => servers.redis.pTTL(key)));
    expect(Math.min(...ttls)).toBeGreaterThan(29 * DAY_MS);
  });

  it.each<[Partial<RenewOptions>, string]>([
    [{ ttl: 'soon' as never }, 'ttl must be a duration greater than zero'],
    [{ within: '60d' }, 'within (5184000000 ms) must not be longer than ttl (2592000000 ms)'],
    [{ margin: 0 }, 'margin must be a duration greater than zero'],
    [{ maxRps: 0 }, 'maxRps must be a number greater than zero, got 0'],
    [{ unscoped: 'keep' as never }, "unscoped must be 'extend' or 'skip', got \"keep\""],
    [{ redisUrl: 'http://localhost' }, 'must start with redis://, rediss:// or unix://'],
  ])('rejects the options %j', async (options, message) => {
    await expect(renew(options)).rejects.toThrow(message);
  });
});
