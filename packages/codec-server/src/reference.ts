import { StorageDriverClaim, type Payload } from '@temporalio/common';
import { temporal } from '@temporalio/proto';

const ENCODING = 'json/protobuf';
const MESSAGE_TYPE = 'temporal.api.sdk.v1.ExternalStorageReference';
const { ExternalPayloadDetails } = temporal.api.common.v1.Payload;

/** Far more than the claim of any driver has, in bytes. */
const MAX_REFERENCE_BYTES = 64 * 1024;

/** What an `ExternalStorageReference` holds. */
export interface StorageReference {
  driverName: string;
  claim: StorageDriverClaim;
}

/** Whether a payload stands for one in External Storage, by its metadata, as the SDK sees it. */
export function isReference({ metadata }: Payload): boolean {
  return readText(metadata?.['encoding']) === ENCODING && readText(metadata?.['messageType']) === MESSAGE_TYPE;
}

/** Reads a payload for which {@link isReference} holds. Returns undefined if its data is malformed. */
export function parseReference({ data }: Payload): StorageReference | undefined {
  if (!data || data.length > MAX_REFERENCE_BYTES) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data));
  } catch {
    return undefined;
  }
  if (typeof json !== 'object' || json === null) return undefined;
  const fields = json as Record<string, unknown>;
  const driverName = fields['driverName'] ?? fields['driver_name'];
  const claimData = fields['claimData'] ?? fields['claim_data'] ?? {};
  if (typeof driverName !== 'string' || driverName === '' || !isStringMap(claimData)) return undefined;
  return { driverName, claim: new StorageDriverClaim(claimData) };
}

/** Builds the payload that stands for a stored one of `sizeBytes`, just as the SDK does. */
export function createReference({ driverName, claim }: StorageReference, sizeBytes: number): Payload {
  return {
    metadata: { encoding: Buffer.from(ENCODING), messageType: Buffer.from(MESSAGE_TYPE) },
    data: Buffer.from(JSON.stringify({ driverName, claimData: claim.claimData })),
    externalPayloads: [ExternalPayloadDetails.fromObject({ sizeBytes })],
  };
}

function isStringMap(value: unknown): value is Record<string, string> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((each) => typeof each === 'string')
  );
}

/** Compares with short texts only, so it leaves long ones alone. */
function readText(bytes: Uint8Array | null | undefined): string | undefined {
  return bytes && bytes.length <= MESSAGE_TYPE.length ? Buffer.from(bytes).toString('latin1') : undefined;
}
