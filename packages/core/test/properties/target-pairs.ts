import type { StorageDriverTargetInfo } from '@temporalio/common';
import * as fc from 'fast-check';
import { identifier, scope, target } from './arbitraries';

export interface TargetPair {
  one: StorageDriverTargetInfo | undefined;
  other: StorageDriverTargetInfo | undefined;
}

/** Changes to a text that a careless encoding would lose. */
const VARIATIONS = [
  encodeURIComponent,
  (text: string) => text.normalize('NFC'),
  (text: string) => text.normalize('NFD'),
  (text: string) => text.toLowerCase(),
  (text: string) => text.trim(),
  (text: string) => text.replaceAll('null', ''),
  (text: string) => `${text}\0`,
];

const withOneFieldVaried = fc
  .record({
    one: target,
    field: fc.constantFrom('namespace', 'type', 'id', 'runId'),
    vary: fc.constantFrom(...VARIATIONS),
  })
  .map(({ one, field, vary }) => ({ one, other: { ...one, [field]: vary(one[field] ?? '') } }));

const withOtherKind = target.map((one): TargetPair => ({ one, other: { ...one, kind: swapKind(one) } }));

/** Targets that would have the same key if names were not encoded. */
const withShiftedNames = fc.record({ one: target, type: identifier }).map(({ one, type }) => {
  const tag = one.kind === 'workflow' ? 'wi' : 'ai';
  return {
    one: { ...one, type: `${type}:${tag}:${one.type}` },
    other: { ...one, type, id: `${one.type}:${tag}:${one.id}` },
  };
});

/** Pairs of targets. A careless key format would confuse most of them. */
export const targetPair: fc.Arbitrary<TargetPair> = fc.oneof(
  { weight: 4, arbitrary: withOneFieldVaried },
  { weight: 1, arbitrary: withOtherKind },
  { weight: 2, arbitrary: withShiftedNames },
  { weight: 1, arbitrary: fc.record({ one: scope, other: scope }) },
);

function swapKind({ kind }: StorageDriverTargetInfo): 'workflow' | 'activity' {
  return kind === 'workflow' ? 'activity' : 'workflow';
}
