/** A function that gets something, and its name in an error. */
export type Source<T> = [name: string, get: () => Promise<T>];

/** The result of the first source that doesn't reject. If all reject, throws an error with each reason and `advice`. */
export async function tryInOrder<T>(sources: Source<T>[], problem: string, advice: string): Promise<T> {
  const causes: unknown[] = [];
  const reasons: string[] = [];
  for (const [name, get] of sources) {
    try {
      return await get();
    } catch (error) {
      causes.push(error);
      reasons.push(`- ${name}: ${error instanceof Error ? error.message.trim() : String(error)}`);
    }
  }
  throw new AggregateError(causes, [problem, ...reasons, advice].join('\n'));
}
