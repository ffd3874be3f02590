/// <reference types="jest" />
/** Stops after each test everything that the test started, in reverse order. */
export function cleanUpAfterEach(): {
  keep: <Running extends { stop(): Promise<void> }>(running: Running) => Running;
  cleanUp: (...actions: (() => unknown)[]) => void;
} {
  let actions: (() => unknown)[] = [];
  afterEach(async () => {
    const all = actions;
    actions = [];
    for (const action of all) await action();
  });
  const cleanUp = (...added: (() => unknown)[]): void => void actions.unshift(...added);
  const keep = <Running extends { stop(): Promise<void> }>(running: Running): Running => {
    cleanUp(() => running.stop());
    return running;
  };
  return { keep, cleanUp };
}
