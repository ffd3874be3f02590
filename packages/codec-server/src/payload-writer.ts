import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Payload } from '@temporalio/common';
import { encodeBase64, SLICE_CHARACTERS } from './base64';

/**
 * Writes payloads as `temporal.api.common.v1.Payloads` in strict proto JSON, in pieces of some megabyte: the event loop
 * turns between any two, and the whole never exists as one string.
 */
export function writePayloads(payloads: readonly Payload[]): ReadableStream<Uint8Array> {
  const pieces = serializePayloads(payloads);
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        await nextTurn();
        let text = '';
        while (text.length < SLICE_CHARACTERS) {
          const piece = pieces.next();
          if (piece.done) {
            if (text !== '') controller.enqueue(Buffer.from(text));
            controller.close();
            return;
          }
          text += piece.value;
        }
        controller.enqueue(Buffer.from(text));
      },
    },
    { highWaterMark: 0 },
  );
}

function* serializePayloads(payloads: readonly Payload[]): Generator<string> {
  yield '{"payloads":[';
  for (const [index, payload] of payloads.entries()) {
    if (index > 0) yield ',';
    yield* serializePayload(payload);
  }
  yield ']}';
}

function* serializePayload({ metadata, data, externalPayloads }: Payload): Generator<string> {
  let separator = '{';
  const entries = Object.entries(metadata ?? {});
  if (entries.length > 0) {
    yield `${separator}"metadata":{`;
    for (const [index, [name, value]] of entries.entries()) {
      yield `${index > 0 ? ',' : ''}${JSON.stringify(name)}:"`;
      yield* encodeBase64(value);
      yield '"';
    }
    yield '}';
    separator = ',';
  }
  if (data?.length) {
    yield `${separator}"data":"`;
    yield* encodeBase64(data);
    yield '"';
    separator = ',';
  }
  if (externalPayloads?.length) {
    const details = externalPayloads.map(({ sizeBytes }) => `{"sizeBytes":"${String(sizeBytes ?? 0)}"}`);
    yield `${separator}"externalPayloads":[${details.join()}]`;
    separator = ',';
  }
  yield separator === '{' ? '{}' : '}';
}
