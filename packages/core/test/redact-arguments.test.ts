import { inspect } from 'node:util';
import { RedisStorageDriver } from '../src';

const SECRET = 'the-content-of-a-payload';

/** Returns all that a user sees of a failed store: message, stack, causes and properties. */
async function inspectFailure(thrown: unknown): Promise<string> {
  const fail = async (): Promise<never> => {
    // oxlint-disable-next-line typescript/only-throw-error -- a client may throw anything
    throw thrown;
  };
  const driver = new RedisStorageDriver({ client: { get: fail, setIfAbsent: fail } });
  try {
    await driver.store({}, [{ data: new Uint8Array(8) }]);
  } catch (failure) {
    return inspect(failure, { depth: 10, showHidden: true });
  }
  throw new Error('The store succeeded');
}

describe("the client's error in a driver error", () => {
  it("keeps Redis's message without the arguments that it repeats, also in the stack", async () => {
    const error = new Error(`ERR unknown command 'SETT', with args beginning with: 'k' '${SECRET}' `);
    const shown = await inspectFailure(error);
    expect(shown).toContain("ERR unknown command 'SETT'");
    expect(shown).not.toContain(SECRET);
  });

  it.each(['command', 'args', 'buffer'])('loses the property %s, in which libraries keep arguments', async (name) => {
    const error = Object.assign(new Error('ERR refused'), { [name]: { args: [SECRET] } });
    const shown = await inspectFailure(error);
    expect(shown).toContain('ERR refused');
    expect(shown).not.toContain(SECRET);
  });

  it.each([
    ['cause', (inner: Error) => new Error('outer', { cause: inner })],
    ['lastNodeError', (inner: Error) => Object.assign(new Error('outer'), { lastNodeError: inner })],
    ['errors', (inner: Error) => new AggregateError([inner], 'outer')],
  ])('is redacted inside %s too', async (_name, wrap) => {
    const inner = Object.assign(new Error(`ERR unknown command, with args beginning with: ${SECRET}`), {
      command: { args: [SECRET] },
    });
    const shown = await inspectFailure(wrap(inner));
    expect(shown).toContain('outer');
    expect(shown).not.toContain(SECRET);
  });

  it('is redacted even if it is its own cause', async () => {
    const error = Object.assign(new Error('ERR refused'), { command: SECRET });
    error.cause = error;
    expect(await inspectFailure(error)).not.toContain(SECRET);
  });

  it.each([undefined, null, 'a string', 42])('may be a thrown value of any type: %p', async (thrown) => {
    expect(await inspectFailure(thrown)).toContain('RedisStorageDriver store failed');
  });
});
