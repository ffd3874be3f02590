import { ValueError } from '@temporalio/common';
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
import { diagnose } from './doctor';
import type { DoctorFinding, DoctorOptions } from './doctor/options';
import { withProgress } from './output/progress';
import { formatTable } from './output/table';
import { DEFAULT_KEY_PREFIX } from './scan';

interface DoctorFlags extends RedisFlags, TemporalFlags {
  keyPrefix: string;
  ttl?: string;
  maxPayloadSize?: string;
  ignore?: string[];
}

const HELP = `
Run it with the URL that the workers use: it tries the commands that the driver needs, with probe keys that it removes.

Exit status: 0 no error found (warnings and unknowns don't count), 1 an error found, 2 Redis can't be reached.`;

export const addDoctorCommand: AddCommand = (program, run) => {
  const command = program
    .command('doctor')
    .description('Says whether this Redis is fit to hold payloads with these options of the driver.')
    .option('--key-prefix <prefix>', "the driver's keyPrefix", DEFAULT_KEY_PREFIX)
    .option('--ttl <duration>', "the driver's ttl, such as 30d (default: none)")
    .option('--max-payload-size <bytes>', "the driver's maxPayloadSize (default: 52428800)")
    .option('--ignore <code...>', 'leave out the findings with these codes');
  addJsonOption(addTemporalOptions(addRedisOptions(command)))
    .addHelpText('after', HELP)
    .action(
      run(async ({ stderr, signal }, flags: DoctorFlags) => {
        const options = { ...toDoctorOptions(flags), signal };
        const result = await withProgress(
          { stderr },
          () => 'Looking at Redis',
          () => diagnose(options),
        );
        const failed = result.findings.some(({ severity }) => severity === 'error');
        return { json: result, text: formatFindings(result.findings), failed };
      }),
    );
};

function toDoctorOptions(flags: DoctorFlags): DoctorOptions {
  const { keyPrefix, ttl, maxPayloadSize, ignore } = flags;
  return {
    ...pickRedisOptions(flags),
    ...pickTemporalOptions(flags),
    keyPrefix,
    ...((ttl === undefined ? {} : { ttl }) as Pick<DoctorOptions, 'ttl'>),
    ...(maxPayloadSize !== undefined && { maxPayloadSize: parseBytes(maxPayloadSize) }),
    ...(ignore !== undefined && { ignore }),
  };
}

function parseBytes(text: string): number {
  const bytes = Number(text);
  if (!Number.isSafeInteger(bytes) || bytes < 1) {
    throw new ValueError(`--max-payload-size must be a number of bytes greater than zero, got ${text}`);
  }
  return bytes;
}

/** A table, and what to do about it below. */
function formatFindings(findings: DoctorFinding[]): string {
  const table = formatTable(
    ['severity', 'code', 'seen'],
    findings.map(({ severity, code, seen }) => [severity, code, seen]),
  );
  const advice = findings.filter((finding) => finding.advice !== '');
  if (advice.length === 0) return table;
  return `${table}\n\nWhat to do:\n${advice.map((finding) => `- ${finding.code}: ${finding.advice}`).join('\n')}`;
}
