/** Becomes the answer to a request: `status`, and the message as JSON. The message holds nothing of a payload. */
export class HttpError extends Error {
  override name = 'HttpError';

  constructor(
    message: string,
    readonly status: number,
    /** `cause` is for the log of the server alone. */
    { cause, headers = {} }: { cause?: unknown; headers?: Record<string, string> } = {},
  ) {
    super(message, { cause });
    this.headers = headers;
  }

  readonly headers: Record<string, string>;
}
