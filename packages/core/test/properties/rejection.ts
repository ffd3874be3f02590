import { inspect } from 'node:util';

/** Returns the error that a promise rejects with. Throws if the promise resolves. */
export async function catchRejection(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('expected a rejection');
}

/** Fails if the error's message, stack, fields or causes contain the secret, as text or as bytes. */
export function expectNotToContain(secret: string, error: unknown): void {
  const all = { depth: Infinity, maxStringLength: Infinity, maxArrayLength: Infinity, showHidden: true };
  const shown = inspect(error, all).replaceAll(/\s/g, '');
  const bytes = Buffer.from(secret);
  for (const form of [secret, bytes.toString('hex'), bytes.toString('base64'), bytes.join(',')]) {
    expect(shown).not.toContain(form);
  }
}
