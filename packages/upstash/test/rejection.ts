import { inspect } from 'node:util';

/** What a promise rejects with, after making sure that nothing in it, its causes included, shows a secret. */
export async function rejectionWithout(secrets: string[], promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    () => new Error('expected a rejection'),
    (reason: unknown) => reason as Error,
  );
  const shown = inspect(error, { depth: Infinity, showHidden: true, maxStringLength: Infinity });
  for (const secret of secrets) expect(shown).not.toContain(secret);
  return error;
}
