import { tryInOrder } from '../src/servers/try-in-order';

describe('tryInOrder', () => {
  it('does not try the sources after the first that succeeds', async () => {
    const third = jest.fn();
    const sources: Parameters<typeof tryInOrder>[0] = [
      ['first', async () => Promise.reject(new Error('no'))],
      ['second', async () => 'yes'],
      ['third', third],
    ];

    expect(await tryInOrder(sources, 'Found nothing.', 'Do something.')).toBe('yes');
    expect(third).not.toHaveBeenCalled();
  });

  it('reports each source, the reason why it failed, and the advice', async () => {
    const sources: Parameters<typeof tryInOrder>[0] = [
      ['download', async () => Promise.reject(new Error('no network\n'))],
      ['build', async () => Promise.reject(new Error('no compiler'))],
    ];

    await expect(tryInOrder(sources, 'Found nothing.', 'Do something.')).rejects.toThrow(
      'Found nothing.\n- download: no network\n- build: no compiler\nDo something.',
    );
  });
});
