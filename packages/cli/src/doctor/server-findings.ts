import { formatBytes } from '../output/units';
import type { NodeFacts } from './node-facts';
import type { DoctorFinding, Severity } from './options';

/** Judges a node by its answers to `INFO` and `CONFIG GET`. */
export function judgeServer(facts: NodeFacts, ttlMs: number | undefined): DoctorFinding[] {
  return [
    judgeVersion(facts),
    judgeRole(facts),
    judgeEvictionPolicy(facts, ttlMs),
    judgeEvictions(facts),
    judgeMemory(facts),
    judgeAof(facts),
    ...judgeFsync(facts),
    judgeSaves(facts),
    ...judgeReplicas(facts),
  ];
}

const NOT_ANSWERED = 'Redis does not say';
const MIN_VERSION = [6, 2];

function createFinding(code: string, severity: Severity, seen: string, advice = ''): DoctorFinding {
  return { code, severity, seen, advice };
}

function judgeVersion({ info }: NodeFacts): DoctorFinding {
  const code = 'version';
  const version = info.get('redis_version');
  if (version === undefined) {
    return createFinding(code, 'unknown', NOT_ANSWERED, 'Make sure that it is Redis 6.2 or newer, or Valkey.');
  }
  const valkey = info.get('valkey_version');
  const seen = valkey === undefined ? `Redis ${version}` : `Valkey ${valkey}`;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isOld = major < MIN_VERSION[0]! || (major === MIN_VERSION[0] && minor < MIN_VERSION[1]!);
  return isOld
    ? createFinding(code, 'error', seen, 'Use Redis 6.2 or newer, or Valkey.')
    : createFinding(code, 'ok', seen);
}

function judgeRole({ info }: NodeFacts): DoctorFinding {
  const code = 'role';
  // Valkey has another name for it.
  if ((info.get('redis_mode') ?? info.get('server_mode')) === 'sentinel') {
    return createFinding(code, 'error', 'a Sentinel', 'Give the URL of the primary: a Sentinel holds no payloads.');
  }
  const role = info.get('role');
  if (role === undefined) return createFinding(code, 'unknown', NOT_ANSWERED, 'Make sure that it is the primary.');
  if (role === 'master') return createFinding(code, 'ok', 'primary');
  return createFinding(
    code,
    'error',
    'replica',
    'Connect workers and clients to the primary: a replica refuses writes.',
  );
}

function judgeEvictionPolicy({ info, config }: NodeFacts, ttlMs: number | undefined): DoctorFinding {
  const code = 'eviction-policy';
  const policy = readPolicy({ info, config });
  const advice = 'Set maxmemory-policy to noeviction: a full Redis then refuses writes, and loses nothing.';
  if (policy === undefined) {
    return createFinding(code, 'unknown', NOT_ANSWERED, `Ask your provider. ${advice}`);
  }
  if (policy.startsWith('allkeys-')) return createFinding(code, 'error', policy, advice);
  if (!policy.startsWith('volatile-')) return createFinding(code, 'ok', policy);
  if (ttlMs !== undefined) return createFinding(code, 'error', `${policy}, and payloads have a ttl`, advice);
  return createFinding(code, 'ok', `${policy}, which does not evict payloads without a ttl`);
}

/** The eviction policy. Some providers answer an empty one. */
export function readPolicy({ info, config }: NodeFacts): string | undefined {
  return info.get('maxmemory_policy') || config.get('maxmemory-policy') || undefined;
}

function judgeEvictions({ info }: NodeFacts): DoctorFinding {
  const code = 'evictions';
  const evicted = readNumber(info, 'evicted_keys');
  if (evicted === undefined) return createFinding(code, 'unknown', NOT_ANSWERED);
  const seen = `${evicted} keys evicted since Redis started`;
  if (evicted === 0) return createFinding(code, 'ok', seen);
  return createFinding(
    code,
    'warning',
    seen,
    'Payloads may be among them: look at open workflows with `inspect`, and see eviction-policy and memory.',
  );
}

const MEMORY_WARNING = 0.8;
const MEMORY_ERROR = 0.95;

function judgeMemory(facts: NodeFacts): DoctorFinding {
  const code = 'memory';
  const { info } = facts;
  const used = readNumber(info, 'used_memory');
  const max = readMaxMemory(facts);
  if (used === undefined || max === undefined) return createFinding(code, 'unknown', NOT_ANSWERED);
  // Without maxmemory the limit is the machine's memory: beyond it the kernel kills Redis.
  const limit = max || readNumber(info, 'total_system_memory') || Infinity;
  const seen =
    limit === Infinity
      ? `${formatBytes(used)} used, no maxmemory`
      : `${formatBytes(used)} of ${formatBytes(limit)} used${max === 0 ? ' (of the machine; no maxmemory)' : ''}`;
  const share = used / limit;
  if (share < MEMORY_WARNING) return createFinding(code, 'ok', seen);
  return createFinding(
    code,
    share < MEMORY_ERROR ? 'warning' : 'error',
    seen,
    'Give Redis more memory, or payloads a ttl: when it is full, writes are refused. `usage` says what fills it.',
  );
}

/** 0 if there is no limit; undefined if Redis doesn't say. */
export function readMaxMemory({ info, config }: NodeFacts): number | undefined {
  return readNumber(info, 'maxmemory') ?? readNumber(config, 'maxmemory');
}

function judgeAof({ info, config }: NodeFacts): DoctorFinding {
  const code = 'aof';
  const advice = 'Set appendonly yes: a payload that Redis has acknowledged must outlive its restart.';
  const enabled =
    info.get('aof_enabled') ?? (config.has('appendonly') ? String(+(config.get('appendonly') === 'yes')) : '');
  if (enabled === '1') return createFinding(code, 'ok', 'appendonly yes');
  if (enabled === '') return createFinding(code, 'unknown', NOT_ANSWERED, `Ask your provider. ${advice}`);
  const save = config.get('save');
  if (save === '') return createFinding(code, 'error', 'no AOF and no snapshots: a restart loses everything', advice);
  const snapshots = save === undefined ? '' : `, snapshots by "${save}"`;
  return createFinding(code, 'warning', `no AOF${snapshots}: a restart loses the latest writes`, advice);
}

function judgeFsync({ info, config }: NodeFacts): DoctorFinding[] {
  const code = 'appendfsync';
  if (info.get('aof_enabled') !== '1') return [];
  const policy = config.get('appendfsync');
  if (policy === undefined) return [createFinding(code, 'unknown', NOT_ANSWERED)];
  if (policy === 'always') return [createFinding(code, 'ok', policy)];
  if (policy === 'everysec')
    return [createFinding(code, 'ok', 'everysec: a crash of the machine loses up to two seconds')];
  return [
    createFinding(
      code,
      'warning',
      `${policy}: a crash of the machine loses half a minute or more`,
      'Set appendfsync everysec or always.',
    ),
  ];
}

function judgeSaves({ info }: NodeFacts): DoctorFinding {
  const code = 'last-save';
  const advice =
    "Free disk space, check permissions, and look at Redis's log: it refuses writes until a save succeeds.";
  const failed = ['rdb_last_bgsave_status', 'aof_last_bgrewrite_status', 'aof_last_write_status'].filter(
    (field) => info.get(field) === 'err',
  );
  if (failed.length > 0) return createFinding(code, 'error', `failed: ${failed.join(', ')}`, advice);
  const savedAt = readNumber(info, 'rdb_last_save_time');
  if (savedAt === undefined) return createFinding(code, 'unknown', NOT_ANSWERED);
  return createFinding(
    code,
    'ok',
    `no save failed, last snapshot or start at ${new Date(savedAt * 1000).toISOString()}`,
  );
}

function judgeReplicas({ info, config }: NodeFacts): DoctorFinding[] {
  const code = 'replicas';
  const count = readNumber(info, 'connected_slaves');
  if (info.get('role') === 'slave') return [];
  if (count === undefined) return [createFinding(code, 'unknown', NOT_ANSWERED)];
  if (count === 0) return [createFinding(code, 'ok', 'none')];
  const states = Array.from({ length: count }, (_, index) => info.get(`slave${index}`) ?? '');
  const behind = states.filter((state) => !state.includes('state=online')).length;
  return [
    behind === 0
      ? createFinding(code, 'ok', `${count} online`)
      : createFinding(
          code,
          'warning',
          `${behind} of ${count} not online`,
          "Look at the replicas' logs: a failover loses data.",
        ),
    judgeMinReplicas({ info, config }),
  ];
}

function judgeMinReplicas({ info, config }: NodeFacts): DoctorFinding {
  const code = 'min-replicas-to-write';
  const required = readNumber(config, 'min-replicas-to-write');
  if (required === undefined) return createFinding(code, 'unknown', NOT_ANSWERED);
  if (required === 0) {
    return createFinding(
      code,
      'warning',
      '0: a primary that was deposed goes on taking writes, which are lost',
      'Set min-replicas-to-write to 1 or more on the primary and its replicas.',
    );
  }
  const good = readNumber(info, 'min_slaves_good_slaves') ?? required;
  if (good >= required) return createFinding(code, 'ok', `${required}, and ${good} replicas are in step`);
  return createFinding(
    code,
    'error',
    `${required}, but only ${good} replicas are in step: Redis refuses writes`,
    'Bring the replicas back.',
  );
}

/** Undefined if a field is absent or isn't a number. */
function readNumber(fields: Map<string, string>, name: string): number | undefined {
  const text = fields.get(name);
  return text === undefined || text === '' || Number.isNaN(Number(text)) ? undefined : Number(text);
}
