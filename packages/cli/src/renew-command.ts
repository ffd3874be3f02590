import type { AddCommand } from './command';
import {
  addJsonOption,
  addRedisOptions,
  addTemporalOptions,
  pickRedisOptions,
  pickTemporalOptions,
  type RedisFlags,
  type TemporalFlags,
} from './connection-options';
import { withProgress } from './output/progress';
import { formatTable } from './output/table';
import { renewPayloads } from './renew';
import type { RenewOptions, RenewResult } from './renew/options';
import { DEFAULT_KEY_PREFIX } from './scan';

interface RenewFlags extends RedisFlags, TemporalFlags {
  ttl: string;
  within?: string;
  margin?: string;
  keyPrefix: string;
  unscoped: 'extend' | 'skip';
  maxRps: string;
  dryRun?: boolean;
}

const HELP = `
Payloads of open runs live for --ttl from now on, those of closed runs until their retention is over. Payloads that nobody
needs expire by themselves. Run it at least twice within the retention and within --margin, daily for instance.

Exit status: 0 done, 1 Temporal couldn't be asked about some keys (they were extended), 2 not done.`;

export const addRenewCommand: AddCommand = (program, run) => {
  const command = program
    .command('renew')
    .description('Lets payloads live as long as their workflows. Never shortens a TTL, never deletes.')
    .requiredOption('--ttl <duration>', "the driver's ttl, such as 30d")
    .option('--within <duration>', 'look at keys that expire within this time (default: half of --ttl)')
    .option('--margin <duration>', 'how much longer than the retention payloads live (default: 2d, or --within)')
    .option('--key-prefix <prefix>', "the driver's keyPrefix", DEFAULT_KEY_PREFIX)
    .option('--unscoped <extend|skip>', "what to do with keys that don't say whose they are", 'extend')
    .option('--max-rps <number>', 'requests to Temporal in a second, at most', '10')
    .option('--dry-run', 'count, and change nothing');
  addJsonOption(addTemporalOptions(addRedisOptions(command)))
    .addHelpText('after', HELP)
    .action(
      run(async ({ stderr, signal }, flags: RenewFlags) => {
        let progress: RenewResult | undefined;
        const options = { ...toRenewOptions(flags), signal, onProgress: (now: RenewResult) => (progress = now) };
        const status = (): string =>
          `${progress?.scanned ?? 0} keys, ${progress?.expiring ?? 0} expiring, ${progress?.extended ?? 0} extended`;
        const result = await withProgress({ stderr }, status, () => renewPayloads(options));
        return { json: result, text: formatResult(result), failed: result.unanswered > 0 };
      }),
    );
};

function toRenewOptions(flags: RenewFlags): RenewOptions {
  const { ttl, within, margin, keyPrefix, unscoped, maxRps, dryRun = false } = flags;
  return {
    ...pickRedisOptions(flags),
    ...pickTemporalOptions(flags),
    ...({
      ttl,
      ...(within !== undefined && { within }),
      ...(margin !== undefined && { margin }),
    } as Pick<RenewOptions, 'ttl' | 'within' | 'margin'>),
    keyPrefix,
    unscoped,
    maxRps: Number(maxRps),
    dryRun,
  };
}

function formatResult(result: RenewResult): string {
  const { scanned, expiring, extended, left, unscoped, unanswered, failure, dryRun } = result;
  const table = formatTable(
    ['keys', '', ''],
    [
      [String(scanned), 'scanned', ''],
      [String(expiring), 'expiring', 'soon enough to be looked at'],
      [String(extended), 'extended', dryRun ? 'or would be: this is a dry run' : ''],
      [String(left), 'left', 'to expire, because nobody needs them'],
      [String(unscoped), 'unscoped', "because their keys don't say whose they are"],
      [String(unanswered), 'unanswered', "because Temporal couldn't be asked: extended"],
    ],
  );
  return failure === undefined ? table : `${table}\n\nThe last failure: ${failure}`;
}
