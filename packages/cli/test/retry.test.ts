import { retryCommand } from '../src/retry';

describe('retryCommand', () => {
  it('repeats a command that failed on the way, until it succeeds', async () => {
    const outcomes = [new Error('Socket closed unexpectedly'), new Error('LOADING Redis is loading'), 'PONG'];
    const command = async (): Promise<unknown> => {
      const outcome = outcomes.shift();
      if (outcome instanceof Error) throw outcome;
      return outcome;
    };
    await expect(retryCommand(command)).resolves.toBe('PONG');
    expect(outcomes).toEqual([]);
  });

  it.each(['ERR unknown command', 'NOPERM no permissions', 'WRONGTYPE not a string'])(
    'does not repeat a command that is refused with %s',
    async (reply) => {
      let attempts = 0;
      const command = async (): Promise<never> => {
        attempts += 1;
        throw new Error(reply);
      };
      await expect(retryCommand(command)).rejects.toThrow(reply);
      expect(attempts).toBe(1);
    },
  );

  it("ends its wait when the signal aborts, and rejects with the signal's reason", async () => {
    const aborting = new AbortController();
    const reason = new Error('Interrupted by SIGINT');
    let attempts = 0;
    const command = async (): Promise<never> => {
      attempts += 1;
      // While the last and longest wait lasts, three seconds.
      if (attempts === 5) setImmediate(() => aborting.abort(reason));
      throw new Error('Socket closed unexpectedly');
    };
    const retried = retryCommand(command, aborting.signal);
    const aborted = new Promise((resolve) => aborting.signal.addEventListener('abort', resolve));
    await aborted;
    const outcome = Promise.race([retried, new Promise((resolve) => setTimeout(resolve, 1000, 'still waiting'))]);
    await expect(outcome).rejects.toBe(reason);
    expect(attempts).toBe(5);
  });
});
