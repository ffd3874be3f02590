import type { Payload, PayloadCodec } from '@temporalio/common';
import { HttpError } from './http-error';

/**
 * Undoes the codecs, the last one first. Returns undefined in the place of each payload that can't be decoded, after
 * giving `onFailure` the reason.
 */
export async function decodePayloads(
  codecs: readonly PayloadCodec[],
  payloads: readonly Payload[],
  onFailure: (error: unknown) => void,
): Promise<(Payload | undefined)[]> {
  if (codecs.length === 0 || payloads.length === 0) return [...payloads];
  try {
    return await decodeAll(codecs, payloads);
  } catch (error) {
    if (payloads.length === 1) {
      onFailure(error);
      return [undefined];
    }
  }
  // A codec fails as a whole, so this finds out which payload it is.
  const results: (Payload | undefined)[] = [];
  for (const payload of payloads) results.push(...(await decodePayloads(codecs, [payload], onFailure)));
  return results;
}

/** @throws HttpError 422 if a codec fails */
export async function encodePayloads(codecs: readonly PayloadCodec[], payloads: Payload[]): Promise<Payload[]> {
  if (payloads.length === 0) return payloads;
  try {
    let encoded = payloads;
    for (const codec of codecs) encoded = checkCount(await codec.encode(encoded), encoded);
    return encoded;
  } catch (cause) {
    throw new HttpError('The payloadCodecs of the codec server could not encode the payloads', 422, { cause });
  }
}

async function decodeAll(codecs: readonly PayloadCodec[], payloads: readonly Payload[]): Promise<Payload[]> {
  let decoded = [...payloads];
  for (const codec of codecs.toReversed()) decoded = checkCount(await codec.decode(decoded), decoded);
  return decoded;
}

function checkCount(result: Payload[], input: readonly Payload[]): Payload[] {
  if (result.length === input.length) return result;
  throw new TypeError(`A payload codec returned ${result.length} payloads for ${input.length}`);
}
