/// <reference types="jest" />
import { clientContract, type ClientCapability, type ContractSubject } from '@temporal-redis-storage/core/testing';
import type { BackDoor } from '../servers/back-door';
import type { ConnectedClient } from './miss-contract';

/** A connected client under test, and direct access to its store. The suite closes both. */
export interface ConnectedSubject extends ConnectedClient {
  backDoor: BackDoor;
}

/** The client contract as a Jest suite. `open` is called once for all cases. */
export function describeClientContract(
  name: string,
  capabilities: readonly ClientCapability[],
  open: () => Promise<ConnectedSubject>,
): void {
  describe(`${name}: the client contract`, () => {
    let connected: ConnectedSubject | undefined;

    beforeAll(async () => {
      connected = await open();
    });

    afterAll(async () => {
      try {
        await connected?.close();
      } finally {
        await connected?.backDoor.close();
      }
    });

    const openSubject = (): ContractSubject => ({ client: connected!.client, store: connected!.backDoor });
    it.each(clientContract(openSubject, { capabilities }))('$name', async ({ run }) => {
      await expect(run()).resolves.toBeUndefined();
    });
  });
}
