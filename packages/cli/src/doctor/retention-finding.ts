import { formatDuration } from '../output/units';
import { connectTemporal } from '../temporal-connection';
import { describeNamespace } from '../temporal-requests';
import { formatError } from '../output/error';
import type { DoctorFinding, DoctorOptions } from './options';

/** Compares the driver's `ttl` with the namespace's retention. */
export async function judgeRetention(options: DoctorOptions, ttlMs: number | undefined): Promise<DoctorFinding> {
  const code = 'ttl';
  if (ttlMs === undefined) {
    return {
      code,
      severity: 'ok',
      seen: 'none: payloads never expire',
      advice: 'Redis grows forever. With a ttl and a daily `renew`, payloads live as long as their workflows.',
    };
  }
  const temporal = connectTemporal(options);
  try {
    const { retentionMs } = await describeNamespace(temporal);
    const seen = `ttl ${formatDuration(ttlMs)}, retention of ${temporal.namespace} ${formatDuration(retentionMs)}`;
    if (ttlMs > retentionMs) {
      const rest = formatDuration(ttlMs - retentionMs);
      return {
        code,
        severity: 'ok',
        seen: `${seen}: runs may last ${rest}, or any time with a daily \`renew\``,
        advice: '',
      };
    }
    const advice = 'Set ttl to the longest run plus the retention, or run `renew` daily.';
    return { code, severity: 'warning', seen: `${seen}: payloads expire before Temporal deletes the run`, advice };
  } catch (error) {
    options.signal?.throwIfAborted();
    const advice = 'Give --address and --namespace to compare ttl with the retention.';
    return { code, severity: 'unknown', seen: `Temporal does not say: ${formatError(error)}`, advice };
  } finally {
    await temporal.close();
  }
}
