import type { RedisNode } from '../redis-connection';
import { isRefused, type NodeFacts } from './node-facts';
import type { DoctorFinding } from './options';

/** The state of the cluster as a node sees it; nothing where there is no cluster. */
export async function judgeCluster(node: RedisNode, { info }: NodeFacts, isCluster: boolean): Promise<DoctorFinding[]> {
  if (!isCluster && info.get('cluster_enabled') !== '1') return [];
  const code = 'cluster';
  try {
    const reply = String(await node.sendCommand(['CLUSTER', 'INFO']));
    const state = /cluster_state:(\w+)/.exec(reply)?.[1];
    const slots = Number(/cluster_slots_ok:(\d+)/.exec(reply)?.[1]);
    const seen = `state ${state}, ${slots} of 16384 slots served`;
    if (state !== 'ok' || slots !== 16_384) {
      return [{ code, severity: 'error', seen, advice: 'Bring the missing nodes back, or fail over.' }];
    }
    if (isCluster) return [{ code, severity: 'ok', seen, advice: '' }];
    const advice = 'Give --cluster, so that every primary is looked at, and connect workers with a cluster client.';
    return [{ code, severity: 'warning', seen: `${seen}, of which only one node is looked at`, advice }];
  } catch (error) {
    if (!isRefused(error)) throw error;
    return [{ code, severity: 'unknown', seen: 'CLUSTER INFO is refused', advice: '' }];
  }
}
