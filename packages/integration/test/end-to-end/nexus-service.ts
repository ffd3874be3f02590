import { operation, service } from 'nexus-rpc';

/** The service that the Nexus tests call. Each test provides the handlers. */
export const echoService = service('echo', {
  /** Completes synchronously. */
  now: operation<string, string>(),
  /** Completes with the result of a workflow. */
  later: operation<string, string>(),
});
