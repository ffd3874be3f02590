import { ValueError, type DataConverter, type StorageDriverClaim } from '@temporalio/common';

/**
 * Answers one HTTP request. Never rejects: what goes wrong becomes an answer with a status and a JSON `message`.
 *
 * @experimental
 */
export type PayloadHandler = (request: Request) => Promise<Response>;

/**
 * The reference to a stored payload that a request asks for, as `authorizeReference` gets it.
 *
 * @experimental
 */
export interface StorageReferenceRequest {
  /** The driver that the reference names. It is registered. */
  driverName: string;
  /** The caller's words: Event History holds what a client wrote, and a caller can send any claim. */
  claim: StorageDriverClaim;
  /** The header `X-Namespace`, which the caller chooses too; undefined if the request has none, as the CLI's may. */
  namespace: string | undefined;
  /** The whole request. Its body has been read. */
  request: Request;
}

/**
 * Options of {@link createPayloadHandler}.
 *
 * @experimental
 */
export interface PayloadHandlerOptions {
  /** The data converter of client and worker, of which `externalStorage` and `payloadCodecs` are used. */
  dataConverter: Pick<DataConverter, 'externalStorage' | 'payloadCodecs'>;
  /**
   * Origins of the Web UIs that may read the answers, such as `https://temporal.example.com`. A request from a page of
   * another origin is refused. Defaults to `['http://localhost:8233']`, the Web UI of `temporal server start-dev`.
   */
  allowedOrigins?: readonly string[];
  /**
   * Whether to serve a request, by its headers; the body must be left unread. A rejection counts as false. Everybody who
   * reaches the server is served by default.
   */
  authorize?: (request: Request) => boolean | Promise<boolean>;
  /** Whether to retrieve one stored payload for the request. A rejection counts as false. Defaults to all. */
  authorizeReference?: (reference: StorageReferenceRequest) => boolean | Promise<boolean>;
  /** Largest body of a request in bytes. Defaults to 73400320 (70 MiB): a payload of 50 MiB, in base64. */
  maxRequestBytes?: number;
  /**
   * Largest sum in bytes of the payloads that are retrieved for one request. Defaults to 268435456 (256 MiB). Beyond it
   * `/decode` leaves references in place, and `/download` answers 413.
   */
  maxResponseBytes?: number;
  /**
   * Gets each failure of a driver, a codec, `authorize` or `authorizeReference`, those that `/decode` passes over
   * included. The answers leave the reasons out, so this is the place to log them.
   */
  onError?: (error: unknown, request: Request) => void;
}

/** The options with their defaults. */
export type ResolvedOptions = Required<Omit<PayloadHandlerOptions, 'allowedOrigins'>> & {
  allowedOrigins: ReadonlySet<string>;
};

const MIB = 1024 * 1024;

/** @throws ValueError that names the option and what it got */
export function resolveOptions(options: PayloadHandlerOptions): ResolvedOptions {
  const {
    dataConverter,
    allowedOrigins = ['http://localhost:8233'],
    authorize = () => true,
    authorizeReference = () => true,
    maxRequestBytes = 70 * MIB,
    maxResponseBytes = 256 * MIB,
    onError = () => {},
  } = options;
  checkDataConverter(dataConverter);
  checkOrigins(allowedOrigins);
  checkBytes('maxRequestBytes', maxRequestBytes);
  checkBytes('maxResponseBytes', maxResponseBytes);
  for (const [name, value] of Object.entries({ authorize, authorizeReference, onError })) {
    if (typeof value !== 'function') throw new ValueError(`${name} must be a function, got ${typeof value}`);
  }
  return {
    dataConverter,
    allowedOrigins: new Set(allowedOrigins),
    authorize,
    authorizeReference,
    maxRequestBytes,
    maxResponseBytes,
    onError,
  };
}

function checkDataConverter(dataConverter: unknown): void {
  const { externalStorage, payloadCodecs } = (dataConverter ?? {}) as PayloadHandlerOptions['dataConverter'];
  if (externalStorage === undefined && !payloadCodecs?.length) {
    throw new ValueError(
      'dataConverter has neither externalStorage nor payloadCodecs: pass the data converter of client and worker',
    );
  }
  if (externalStorage !== undefined && typeof externalStorage?.getDriver !== 'function') {
    throw new ValueError('dataConverter.externalStorage must be an ExternalStorage of @temporalio/common');
  }
  if (payloadCodecs !== undefined && !Array.isArray(payloadCodecs)) {
    throw new ValueError(`dataConverter.payloadCodecs must be an array, got ${typeof payloadCodecs}`);
  }
}

function checkOrigins(origins: unknown): void {
  if (!Array.isArray(origins)) throw new ValueError(`allowedOrigins must be an array, got ${typeof origins}`);
  for (const origin of origins as unknown[]) {
    const expected = typeof origin === 'string' && URL.canParse(origin) ? new URL(origin).origin : 'null';
    if (expected === 'null') {
      throw new ValueError(`allowedOrigins must name origins such as 'http://localhost:8233', got ${quote(origin)}`);
    }
    if (origin !== expected) throw new ValueError(`allowedOrigins must name '${expected}', got ${quote(origin)}`);
  }
}

function checkBytes(option: string, value: unknown): void {
  if (!Number.isSafeInteger(value) || (value as number) < 1) {
    throw new ValueError(`${option} must be a whole number of bytes, at least 1, got ${quote(value)}`);
  }
}

function quote(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : typeof value === 'number' ? String(value) : typeof value;
}
