import { tryInOrder } from '../src/servers/try-in-order';

describe('firstSuccess', () => {
  it('tries no further way after one that succeeds', async () => {
    const third = jest.fn();
    const ways: Parameters<typeof tryInOrder>[0] = [
      ['first', async () => Promise.reject(new Error('no'))],
      ['second', async () => 'yes'],
      ['third', third],
    ];

    expect(await tryInOrder(ways, 'Found nothing.', 'Do something.')).toBe('yes');
    expect(third).not.toHaveBeenCalled();
  });

  it('reports what was tried, why it failed, and what to do', async () => {
    const ways: Parameters<typeof tryInOrder>[0] = [
      ['download', async () => Promise.reject(new Error('no network\n'))],
      ['build', async () => Promise.reject(new Error('no compiler'))],
    ];

    await expect(tryInOrder(ways, 'Found nothing.', 'Do something.')).rejects.toThrow(
      'Found nothing.\n- download: no network\n- build: no compiler\nDo something.',
    );
  });
});
