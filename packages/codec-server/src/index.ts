/**
 * A codec server for Temporal's Web UI and CLI, whatever storage drivers hold the payloads.
 *
 * @module
 */
export { createPayloadHandler } from './handler';
export { toNodeListener } from './node-listener';
export type { PayloadHandler, PayloadHandlerOptions, StorageReferenceRequest } from './options';
