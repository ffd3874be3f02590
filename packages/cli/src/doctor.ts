import { judgeCluster } from './doctor/cluster-finding';
import { readFacts } from './doctor/node-facts';
import {
  resolveDoctorOptions,
  type DoctorFinding,
  type DoctorOptions,
  type DoctorResult,
  type Severity,
} from './doctor/options';
import { probeNode } from './doctor/probes';
import { judgeRetention } from './doctor/retention-finding';
import { judgeServer } from './doctor/server-findings';
import { connectRedis, type RedisNode } from './redis-connection';

const SEVERITIES: Severity[] = ['ok', 'unknown', 'warning', 'error'];

/**
 * Says whether Redis is fit to hold payloads. Writes only probe keys, which it removes. Rejects if Redis can't be
 * reached; an answer that Redis or Temporal doesn't give is a finding of the severity `unknown`.
 *
 * @experimental
 */
export async function diagnose(options: DoctorOptions = {}): Promise<DoctorResult> {
  const { ignore = [], signal, cluster = false } = options;
  const resolved = resolveDoctorOptions(options);
  const redis = await connectRedis(options);
  try {
    const byNode: [RedisNode, DoctorFinding[]][] = [];
    for (const node of await redis.listPrimaries()) {
      signal?.throwIfAborted();
      const facts = await readFacts(node);
      const findings = judgeServer(facts, resolved.ttlMs);
      findings.push(...(await judgeCluster(node, facts, cluster)));
      findings.push(...(await probeNode(redis, node, facts, resolved)));
      byNode.push([node, findings]);
    }
    const findings = mergeFindings(byNode);
    if (!ignore.includes('ttl')) findings.push(await judgeRetention(options, resolved.ttlMs));
    return { findings: findings.filter(({ code }) => !ignore.includes(code)) };
  } finally {
    redis.close();
  }
}

/** One finding for each code: the worst, with every node that it was seen at. */
function mergeFindings(byNode: [RedisNode, DoctorFinding[]][]): DoctorFinding[] {
  const merged = new Map<string, { finding: DoctorFinding; addresses: string[] }>();
  for (const [{ address }, findings] of byNode) {
    for (const finding of findings) {
      const known = merged.get(finding.code);
      if (known === undefined || rank(finding) > rank(known.finding)) {
        merged.set(finding.code, { finding, addresses: [address] });
      } else if (rank(finding) === rank(known.finding)) known.addresses.push(address);
    }
  }
  return [...merged.values()].map(({ finding, addresses }) =>
    byNode.length === 1 || addresses.length === byNode.length
      ? finding
      : { ...finding, seen: `${addresses.join(', ')}: ${finding.seen}` },
  );
}

function rank({ severity }: DoctorFinding): number {
  return SEVERITIES.indexOf(severity);
}
