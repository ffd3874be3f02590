import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { temporal } from '@temporalio/proto';

const PayloadProto = temporal.api.common.v1.Payload;
const ENCODING = Buffer.from('binary/encrypted');
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Encrypts whole payloads with AES-256-GCM and a random key. */
export class EncryptionCodec implements PayloadCodec {
  private readonly key = randomBytes(32);

  async encode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.map((payload) => {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', this.key, iv);
      const encrypted = Buffer.concat([cipher.update(PayloadProto.encode(payload).finish()), cipher.final()]);
      return { metadata: { encoding: ENCODING }, data: Buffer.concat([iv, cipher.getAuthTag(), encrypted]) };
    });
  }

  async decode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.map(({ metadata, data }) => {
      if (data == null || !ENCODING.equals(metadata?.['encoding'] ?? Buffer.of())) throw new Error('Not encrypted');
      const decipher = createDecipheriv('aes-256-gcm', this.key, data.subarray(0, IV_BYTES));
      decipher.setAuthTag(data.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      const decrypted = [decipher.update(data.subarray(IV_BYTES + TAG_BYTES)), decipher.final()];
      return PayloadProto.decode(Buffer.concat(decrypted));
    });
  }
}
