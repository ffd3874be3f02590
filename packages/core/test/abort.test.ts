import { untilAborted } from '../src/abort';

const reason = new Error('enough');
const never = new Promise<never>(() => {});

describe('waiting until a signal aborts', () => {
  it('ends at once if it has aborted already, though the request never settles', async () => {
    await expect(untilAborted(AbortSignal.abort(reason), never)).rejects.toBe(reason);
  });

  it('ends when it aborts, and listens no longer once the request has settled', async () => {
    const controller = new AbortController();
    const remove = jest.spyOn(controller.signal, 'removeEventListener');
    await expect(untilAborted(controller.signal, Promise.resolve('reply'))).resolves.toBe('reply');
    expect(remove).toHaveBeenCalledTimes(1);
    const waiting = untilAborted(controller.signal, never);
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  });
});
