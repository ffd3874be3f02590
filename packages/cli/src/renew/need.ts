/**
 * Until when the payloads of an id are needed, in milliseconds since 1970: Infinity while a run is open, or the time at
 * which Temporal deletes the last closed run. `NOBODY` if nothing needs them, `UNANSWERED` if Temporal couldn't be asked.
 */
export type Need = number | typeof UNANSWERED;

export const NOBODY = -Infinity;
export const UNANSWERED = 'unanswered';

/** The later of two needs. An open run needs its payloads whatever the unanswered part is. */
export function maxNeed(a: Need, b: Need): Need {
  if (a === Infinity || b === Infinity) return Infinity;
  if (a === UNANSWERED || b === UNANSWERED) return UNANSWERED;
  return Math.max(a, b);
}
