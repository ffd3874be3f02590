import { operation, service } from 'nexus-rpc';

/** What the Nexus tests call; each brings its own handlers. */
export const echoService = service('echo', {
  /** Answers at once. */
  now: operation<string, string>(),
  /** Answers with the result of a workflow. */
  later: operation<string, string>(),
});
