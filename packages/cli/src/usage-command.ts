import { ValueError } from '@temporalio/common';
import type { AddCommand } from './command';
import { addJsonOption, addRedisOptions, pickRedisOptions, type RedisFlags } from './connection-options';
import { withProgress } from './output/progress';
import { formatTable } from './output/table';
import { formatBytes, formatDuration } from './output/units';
import { DEFAULT_KEY_PREFIX } from './scan';
import { measureUsage } from './usage';
import type { UsageResult } from './usage/totals';

interface UsageFlags extends RedisFlags {
  keyPrefix: string;
  top: string;
}

const HELP = `
Exit status: 0 counted, 2 not counted.`;

export const addUsageCommand: AddCommand = (program, run) => {
  const command = program
    .command('usage')
    .description('Counts the payloads under the prefix: keys, bytes, when they expire, the largest workflows.')
    .option('--key-prefix <prefix>', "the driver's keyPrefix", DEFAULT_KEY_PREFIX)
    .option('--top <number>', 'how many of the largest workflows to list', '10');
  addJsonOption(addRedisOptions(command))
    .addHelpText('after', HELP)
    .action(
      run(async ({ stderr, signal }, flags: UsageFlags) => {
        let counted = 0;
        const options = {
          ...pickRedisOptions(flags),
          keyPrefix: flags.keyPrefix,
          top: parseTop(flags.top),
          signal,
          onProgress: (keys: number) => (counted = keys),
        };
        const result = await withProgress(
          { stderr },
          () => `${counted} keys`,
          () => measureUsage(options),
        );
        return { json: result, text: formatUsage(result), failed: false };
      }),
    );
};

function parseTop(top: string): number {
  const number = Number(top);
  if (!Number.isSafeInteger(number) || number < 0) throw new ValueError(`--top must be a whole number, got ${top}`);
  return number;
}

function formatUsage({ keys, bytes, withoutTtl, groups, workflows, expiry }: UsageResult): string {
  const parts = [`${keys} keys, ${formatBytes(bytes)}, ${withoutTtl} of them without a TTL`];
  if (keys === 0) return parts[0]!;
  parts.push(
    formatTable(
      ['namespace', 'kind', 'type', 'keys', 'size', 'without TTL'],
      groups.map((group) => [
        group.namespace ?? '(none)',
        group.kind ?? '(none)',
        group.type ?? '(none)',
        String(group.keys),
        formatBytes(group.bytes),
        String(group.withoutTtl),
      ]),
    ),
    formatTable(
      ['expires within', 'keys', 'size'],
      expiry.map(({ withinMs, ...counted }) => [
        withinMs === null ? 'later' : formatDuration(withinMs),
        String(counted.keys),
        formatBytes(counted.bytes),
      ]),
    ),
  );
  if (workflows.length > 0) {
    parts.push(
      formatTable(
        ['largest', 'namespace', 'kind', 'keys', 'size'],
        workflows.map((workflow) => [
          workflow.id,
          workflow.namespace ?? '(none)',
          workflow.kind,
          String(workflow.keys),
          formatBytes(workflow.bytes),
        ]),
      ),
    );
  }
  return parts.join('\n\n');
}
