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
import { inspectWorkflow } from './inspect';
import type { InspectedReference, InspectResult } from './inspect/options';
import { withProgress } from './output/progress';
import { formatTable } from './output/table';
import { formatBytes, formatDuration } from './output/units';

interface InspectFlags extends RedisFlags, TemporalFlags {
  runId?: string;
  driverName?: string;
  verify?: boolean;
  save?: string;
}

const HELP = `
A copy is the input of a child, or of a signal to another workflow. It is stored under that workflow, and may be gone once
that workflow is: this history shows it, and replay does not read it.

Exit status: 0 every payload is there, 1 one is missing, corrupt, or expires before Temporal deletes the run, 2 the
command could not look.`;

export const addInspectCommand: AddCommand = (program, run) => {
  const command = program
    .command('inspect')
    .description("Lists the payloads that a workflow's history refers to: in Redis or not, and for how long.")
    .argument('<workflow-id>')
    .option('--run-id <id>', 'a run (default: the latest)')
    .option(
      '--driver-name <name>',
      'look only at references of the driver with this name (default: any with such keys)',
    )
    .option('--verify', 'read each payload, and compare its digest')
    .option('--save <dir>', 'write each payload into a file of this directory, which nobody else can read');
  addJsonOption(addTemporalOptions(addRedisOptions(command)))
    .addHelpText('after', HELP)
    .action(
      run(async ({ stderr, signal }, workflowId: string, flags: InspectFlags) => {
        let found = 0;
        const { runId, driverName, verify = false, save } = flags;
        const options = {
          ...pickRedisOptions(flags),
          ...pickTemporalOptions(flags),
          workflowId,
          ...(runId !== undefined && { runId }),
          ...(driverName !== undefined && { driverName }),
          verify,
          ...(save !== undefined && { save }),
          signal,
          onProgress: (references: number) => (found = references),
        };
        const result = await withProgress(
          { stderr },
          () => `${found} references`,
          () => inspectWorkflow(options),
        );
        return { json: result, text: formatResult(result), failed: result.references.some(isWrong) };
      }),
    );
};

function isWrong({ isCopy, state, outlives }: InspectedReference): boolean {
  if (isCopy) return false;
  return state === 'missing' || state === 'corrupt' || outlives === false;
}

function formatResult({ workflowId, runId, status, references }: InspectResult): string {
  const summary = `${workflowId} (run ${runId}): ${status}, ${references.length} ${references.length === 1 ? 'reference' : 'references'}`;
  const neededUntil = references.find((reference) => !reference.isCopy)?.neededUntil ?? null;
  const lines = [neededUntil === null ? summary : `${summary}, needed until ${neededUntil}`];
  if (references.length > 0) {
    const rows = references.map((reference) => [
      reference.eventId === null ? '' : String(reference.eventId),
      `${reference.event}.${reference.field}`,
      reference.size === null ? '' : formatBytes(reference.size),
      formatState(reference),
      formatTtl(reference),
      reference.key ?? '(no key)',
    ]);
    lines.push('', formatTable(['event', 'what', 'size', 'state', 'expires in', 'key'], rows));
  }
  return lines.join('\n');
}

function formatState({ state, isCopy, driverName }: InspectedReference): string {
  if (state === null) return `not looked at (driver ${driverName || 'unknown'})`;
  return isCopy ? `${state}, a copy` : state;
}

function formatTtl({ state, ttlMs, outlives }: InspectedReference): string {
  if (state !== 'present') return '';
  if (ttlMs === null) return 'never';
  return `${formatDuration(ttlMs)}${outlives === false ? ', too early' : ''}`;
}
