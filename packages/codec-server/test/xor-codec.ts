import type { Payload, PayloadCodec } from '@temporalio/common';
import { temporal } from '@temporalio/proto';

const PayloadProto = temporal.api.common.v1.Payload;

/** Wraps whole payloads, as encrypting codecs do, and refuses what it can't unwrap. */
export class XorCodec implements PayloadCodec {
  /** The numbers of payloads it was asked to decode, call by call. */
  readonly decoded: number[] = [];

  constructor(private readonly key: number) {}

  async encode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.map((payload) => ({
      metadata: { encoding: Buffer.from(`binary/xor-${this.key}`) },
      data: this.xor(PayloadProto.encode(payload).finish()),
    }));
  }

  async decode(payloads: Payload[]): Promise<Payload[]> {
    this.decoded.push(payloads.length);
    return payloads.map((payload) => {
      const encoding = Buffer.from(payload.metadata?.['encoding'] ?? []).toString();
      if (!encoding.startsWith('binary/xor')) return payload;
      if (encoding !== `binary/xor-${this.key}`) throw new Error(`No key for ${encoding}`);
      return PayloadProto.decode(this.xor(payload.data!));
    });
  }

  private xor(data: Uint8Array): Uint8Array {
    return data.map((byte) => byte ^ this.key);
  }
}
