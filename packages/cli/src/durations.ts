import { msToNumber, ValueError, type Duration } from '@temporalio/common';

/** A duration in whole milliseconds. Throws a `ValueError` that names the option if it isn't greater than zero. */
export function parseDuration(option: string, duration: Duration): number {
  const ms = Math.ceil(convert(duration));
  if (!Number.isSafeInteger(ms) || ms < 1) {
    throw new ValueError(
      `${option} must be a duration greater than zero, such as '30d' or milliseconds, got ${JSON.stringify(duration)}`,
    );
  }
  return ms;
}

function convert(duration: Duration): number {
  try {
    return msToNumber(duration);
  } catch {
    return NaN;
  }
}
