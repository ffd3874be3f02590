import { ABORT_CASES } from './abort';
import { ATOMICITY_CASES } from './atomicity';
import { createCapabilityCases, type ClientCapability } from './capabilities';
import { KEY_CASES } from './keys';
import type { ContractSubject } from './subject';
import { TTL_CASES } from './ttl';
import { VALUE_CASES } from './values';

/**
 * A named test of the client contract. `run` rejects with an `AssertionError` or the client's own error if it fails.
 *
 * @experimental
 */
export interface ContractCase {
  name: string;
  run: () => Promise<void>;
}

/**
 * What every {@link RedisStorageDriverClient} must do, as cases for any test runner:
 * `for (const { name, run } of clientContract(open, { capabilities: ['exists'] })) it(name, run)`.
 *
 * Each case calls `open` and uses keys that no other case uses, so `open` may return the same subject each time.
 * `capabilities` are the optional methods that the client has; with others, or without one of these, it fails.
 *
 * @experimental
 */
export function clientContract(
  open: () => Promise<ContractSubject> | ContractSubject,
  { capabilities = [] }: { capabilities?: readonly ClientCapability[] } = {},
): ContractCase[] {
  const cases = [
    ...VALUE_CASES,
    ...KEY_CASES,
    ...TTL_CASES,
    ...ATOMICITY_CASES,
    ...ABORT_CASES,
    ...createCapabilityCases(capabilities),
  ];
  return cases.map(({ name, run }) => ({
    name,
    async run() {
      const subject = await open();
      try {
        await run(subject);
      } finally {
        await subject.close?.();
      }
    },
  }));
}
