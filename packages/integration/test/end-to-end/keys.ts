import { createHash } from 'node:crypto';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { temporal } from '@temporalio/proto';

/** What a payload belongs to, as far as the SDK knows it when it stores. The parts must not need percent-encoding. */
export interface Owner {
  type?: string;
  id?: string;
  runId?: string;
}

/** Keys as the README of core specifies them, spelt out without core's help. */
export class Keys {
  constructor(
    private readonly prefix: string,
    private readonly namespace: string,
  ) {}

  ofWorkflow({ type = 'null', id = 'null', runId = 'null' }: Owner, value: unknown): string {
    return `${this.prefix}:v0:ns:${this.namespace}:wt:${type}:wi:${id}:ri:${runId}:d:sha256:${computeDigest(value)}`;
  }

  ofActivity({ type = 'null', id = 'null', runId = 'null' }: Owner, value: unknown): string {
    return `${this.prefix}:v0:ns:${this.namespace}:at:${type}:ai:${id}:ri:${runId}:d:sha256:${computeDigest(value)}`;
  }

  ofNobody(value: unknown): string {
    return `${this.prefix}:v0:d:sha256:${computeDigest(value)}`;
  }
}

export function computeDigest(value: unknown): string {
  return createHash('sha256').update(serialize(value)).digest('hex');
}

/** The bytes that Redis holds for a value. */
export function serialize(value: unknown): Buffer {
  const payload: Payload = defaultPayloadConverter.toPayload(value);
  return Buffer.from(temporal.api.common.v1.Payload.encode(payload).finish());
}
