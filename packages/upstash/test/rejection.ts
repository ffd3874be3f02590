import { inspect } from 'node:util';

/** Returns the error that a promise rejects with. Fails if the error or one of its causes shows a secret. */
export async function catchRejectionWithout(secrets: string[], promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    () => new Error('expected a rejection'),
    (reason: unknown) => reason as Error,
  );
  const shown = inspect(error, { depth: Infinity, showHidden: true, maxStringLength: Infinity });
  for (const secret of secrets) expect(shown).not.toContain(secret);
  return error;
}
