/**
 * For tests: a client without a Redis, and the contract that every client must keep.
 *
 * @module
 */
export { clientContract, type ContractCase } from './contract/client-contract';
export type { ClientCapability } from './contract/capabilities';
export type { ContractStore, ContractSubject } from './contract/subject';
export { InMemoryStorageDriverClient, type InMemoryEntry } from './in-memory-client';
