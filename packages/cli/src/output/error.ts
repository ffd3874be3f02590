/** Links of the chain of causes that are printed. */
const MAX_CAUSES = 4;

/** An error and its causes on one line. */
export function formatError(error: unknown): string {
  const messages: string[] = [];
  for (let link = error; link !== undefined && messages.length < MAX_CAUSES;) {
    const message = formatMessage(link);
    if (message && !messages.some((known) => known.includes(message))) messages.push(message);
    link = link instanceof Error ? link.cause : undefined;
  }
  return messages.join(': ');
}

/** The attempts to connect to each address of a host name fail as an `AggregateError` without a message. */
function formatMessage(error: unknown): string {
  const { message, errors } = Object(error) as { message?: string; errors?: unknown };
  if (!message && Array.isArray(errors)) return errors.map(formatMessage).join(', ');
  return (message ?? String(error)).replaceAll(/\s*\n\s*/g, ' ').trim();
}
