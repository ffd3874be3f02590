import { isGrpcServiceError } from '@temporalio/client';
import type { google } from '@temporalio/proto';
import type { TemporalConnection } from './temporal-connection';

const REQUEST_TIMEOUT_MS = 20_000;
const NOT_FOUND = 5;

/** Sends a request to the raw service. Rejects after 20 seconds; until then the connection repeats attempts that may succeed later. */
export async function requestTemporal<T>(
  { connection, service, namespace }: TemporalConnection,
  send: (service: TemporalConnection['service'], namespace: string) => Promise<T>,
): Promise<T> {
  return connection.withDeadline(Date.now() + REQUEST_TIMEOUT_MS, async () => send(service, namespace));
}

/** The id of the namespace, and how long it keeps closed runs, in milliseconds. */
export async function describeNamespace(
  temporal: TemporalConnection,
): Promise<{ id: string | undefined; retentionMs: number }> {
  const description = await requestTemporal(temporal, (service, namespace) => service.describeNamespace({ namespace }));
  const retention = description.config?.workflowExecutionRetentionTtl;
  if (retention == null) throw new Error('Temporal did not answer the retention of the namespace');
  return { id: description.namespaceInfo?.id ?? undefined, retentionMs: toMs(retention) };
}

/** Whether Temporal answered that the subject of a request doesn't exist, in a namespace that does. */
export function isNotFound(error: unknown): boolean {
  return isGrpcServiceError(error) && (error.code as number) === NOT_FOUND && !isNamespaceNotFound(error);
}

/** Whether Temporal answered that it doesn't know the namespace. A busy server says so of one that it has, too. */
export function isNamespaceNotFound(error: unknown): boolean {
  return isGrpcServiceError(error) && (error.code as number) === NOT_FOUND && /^Namespace\b/.test(error.details);
}

/** A time in milliseconds since 1970, or a duration in milliseconds. */
export function toMs({ seconds, nanos }: google.protobuf.ITimestamp | google.protobuf.IDuration): number {
  return Number(seconds ?? 0) * 1000 + (nanos ?? 0) / 1_000_000;
}
