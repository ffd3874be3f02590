import { WorkflowFailedError } from '@temporalio/client';
import { ActivityFailure, ApplicationFailure, RetryState, ServerFailure, TimeoutFailure } from '@temporalio/common';
import { isPayloadTooLarge, findRootCause } from '../src/errors';

function createFailure(cause: Error): WorkflowFailedError {
  const { MAXIMUM_ATTEMPTS_REACHED } = RetryState;
  const failure = new ActivityFailure('failed', 'fetchOrders', '1', MAXIMUM_ATTEMPTS_REACHED, undefined, cause);
  return new WorkflowFailedError('failed', failure, MAXIMUM_ATTEMPTS_REACHED);
}

describe('a payload beyond the limit', () => {
  it.each([
    ['the SDK', ApplicationFailure.create({ message: 'too large', type: 'PayloadsTooLarge' })],
    ['a server that leaves it to itself', new ServerFailure('Complete result exceeds size limit.', true)],
  ])('is told by the refusal of %s', (_title, refusal) => {
    expect(isPayloadTooLarge(createFailure(refusal))).toBe(true);
    expect(findRootCause(createFailure(refusal))).toBe(refusal);
  });

  it.each([
    ['another failure', createFailure(ApplicationFailure.create({ message: 'no such product', type: 'Error' }))],
    ['a timeout', createFailure(new TimeoutFailure('timed out', undefined, 'START_TO_CLOSE'))],
    ['something that is no error', 'failed'],
  ])('is not told by %s', (_title, error) => {
    expect(isPayloadTooLarge(error)).toBe(false);
  });
});
