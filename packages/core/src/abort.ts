/** Calls `listener` with the reason once `signal` aborts, until the returned function is called. */
export function onAbort(signal: AbortSignal | undefined, listener: (reason: Error) => void): () => void {
  const handle = (): void => listener(signal?.reason as Error);
  signal?.addEventListener('abort', handle);
  return () => signal?.removeEventListener('abort', handle);
}

/** What `request` resolves to. Rejects with the signal's reason once it aborts, even if `request` never settles. */
export async function untilAborted<T>(signal: AbortSignal, request: T): Promise<Awaited<T>> {
  let stopListening: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    stopListening = onAbort(signal, reject);
    if (signal.aborted) reject(signal.reason as Error);
  });
  try {
    // Even after an abort, so that no rejection of `request` is left without a handler.
    return await Promise.race([aborted, request]);
  } finally {
    stopListening?.();
  }
}
