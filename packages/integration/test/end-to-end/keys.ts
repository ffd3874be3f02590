import { createHash } from 'node:crypto';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { temporal } from '@temporalio/proto';

/** The parts of a payload's target that the SDK knows at the time of the store. They must not need percent-encoding. */
export interface Target {
  type?: string;
  id?: string;
  runId?: string;
}

/** Builds keys as the documentation specifies them, without the code of core. */
export class Keys {
  constructor(
    private readonly prefix: string,
    private readonly namespace: string,
  ) {}

  buildWorkflowKey({ type = 'null', id = 'null', runId = 'null' }: Target, value: unknown): string {
    return `${this.prefix}:v0:ns:${this.namespace}:wt:${type}:wi:${id}:ri:${runId}:d:sha256:${computeDigest(value)}`;
  }

  buildActivityKey({ type = 'null', id = 'null', runId = 'null' }: Target, value: unknown): string {
    return `${this.prefix}:v0:ns:${this.namespace}:at:${type}:ai:${id}:ri:${runId}:d:sha256:${computeDigest(value)}`;
  }

  buildKeyWithoutTarget(value: unknown): string {
    return `${this.prefix}:v0:d:sha256:${computeDigest(value)}`;
  }
}

export function computeDigest(value: unknown): string {
  return createHash('sha256').update(serialize(value)).digest('hex');
}

/** Serializes a value as the bytes that Redis must have. */
export function serialize(value: unknown): Buffer {
  const payload: Payload = defaultPayloadConverter.toPayload(value);
  return Buffer.from(temporal.api.common.v1.Payload.encode(payload).finish());
}
