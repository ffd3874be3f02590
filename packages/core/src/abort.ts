/** Calls `listener` with the reason once `signal` aborts, until the returned function is called. */
export function onAbort(signal: AbortSignal | undefined, listener: (reason: Error) => void): () => void {
  const handle = (): void => listener(signal?.reason as Error);
  signal?.addEventListener('abort', handle);
  return () => signal?.removeEventListener('abort', handle);
}
