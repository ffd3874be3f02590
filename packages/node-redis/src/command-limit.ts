/** Lets at most so many commands be in node-redis's queue, because it refuses further ones. The others wait their turn. */
export class CommandLimit {
  private running = 0;
  private readonly queue = new Set<() => void>();

  constructor(private readonly limit: number) {}

  /** Resolves to the function that ends the command. Rejects with the signal's reason if it aborts first. */
  async acquire(abortSignal: AbortSignal | undefined): Promise<() => void> {
    if (this.running >= this.limit) await this.wait(abortSignal);
    else this.running++;
    return () => {
      const [next] = this.queue;
      if (next === undefined) this.running--;
      else next();
    };
  }

  private wait(abortSignal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leaveQueue = (): void => {
        this.queue.delete(start);
        abortSignal?.removeEventListener('abort', onAbort);
      };
      const start = (): void => {
        leaveQueue();
        resolve();
      };
      const onAbort = (): void => {
        leaveQueue();
        reject(abortSignal?.reason as Error);
      };
      this.queue.add(start);
      abortSignal?.addEventListener('abort', onAbort);
    });
  }
}
