import { WorkflowFailedError } from '@temporalio/client';
import { ActivityFailure, ApplicationFailure, RetryState, ServerFailure, TimeoutFailure } from '@temporalio/common';
import { isPayloadTooLarge, findRootCause } from '../src/errors';

function createFailure(cause: Error): WorkflowFailedError {
  const { MAXIMUM_ATTEMPTS_REACHED } = RetryState;
  const failure = new ActivityFailure('failed', 'fetchOrders', '1', MAXIMUM_ATTEMPTS_REACHED, undefined, cause);
  return new WorkflowFailedError('failed', failure, MAXIMUM_ATTEMPTS_REACHED);
}

describe('isPayloadTooLarge', () => {
  it.each([
    ['the SDK', ApplicationFailure.create({ message: 'too large', type: 'PayloadsTooLarge' })],
    ['a server that does not announce its limits', new ServerFailure('Complete result exceeds size limit.', true)],
  ])('recognizes the rejection by %s', (_title, rejection) => {
    expect(isPayloadTooLarge(createFailure(rejection))).toBe(true);
    expect(findRootCause(createFailure(rejection))).toBe(rejection);
  });

  it.each([
    ['another failure', createFailure(ApplicationFailure.create({ message: 'no such product', type: 'Error' }))],
    ['a timeout', createFailure(new TimeoutFailure('timed out', undefined, 'START_TO_CLOSE'))],
    ['a value that is not an error', 'failed'],
  ])('does not match %s', (_title, error) => {
    expect(isPayloadTooLarge(error)).toBe(false);
  });
});
