/** Calls `listener` with the reason once `signal` aborts, until the returned function is called. */
export function onAbort(signal: AbortSignal | undefined, listener: (reason: Error) => void): () => void {
  const handle = (): void => listener(signal?.reason as Error);
  signal?.addEventListener('abort', handle);
  return () => signal?.removeEventListener('abort', handle);
}

/** What `request` resolves to. Rejects with the signal's reason once it aborts, even if `request` never settles. */
export async function untilAborted<T>(signal: AbortSignal, request: Promise<T> | undefined): Promise<T | undefined> {
  signal.throwIfAborted();
  let stopListening: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => (stopListening = onAbort(signal, reject)));
  try {
    return await Promise.race([request, aborted]);
  } finally {
    stopListening?.();
  }
}
