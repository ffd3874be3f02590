import { condition, defineSignal, defineUpdate, proxyActivities, setHandler } from '@temporalio/workflow';

export interface OutageActivities {
  echo(text: string): Promise<string>;
}

/** The activities, signals and updates that a workflow waits for. */
export interface Expected {
  activities: string[];
  signals: number;
  updates: number;
}

/** The texts that a workflow received, in order of arrival. */
export interface Collected {
  activities: string[];
  signals: string[];
  updates: string[];
}

export const add = defineSignal<[string]>('add');
export const append = defineUpdate<string, [string]>('append');

const { echo } = proxyActivities<OutageActivities>({
  startToCloseTimeout: '30 seconds',
  retry: { initialInterval: '100ms', maximumInterval: '1 second' },
});

/**
 * Collects texts from activities, signals and updates, and returns them. A repeated signal or update counts once.
 */
export async function collect({ activities, signals, updates }: Expected): Promise<Collected> {
  const signalled = new Set<string>();
  const updated = new Set<string>();
  setHandler(add, (text) => void signalled.add(text));
  setHandler(append, (text) => {
    updated.add(text);
    return text;
  });
  const echoes: string[] = [];
  for (const text of activities) echoes.push(await echo(text));
  await condition(() => signalled.size === signals && updated.size === updates);
  return { activities: echoes, signals: [...signalled], updates: [...updated] };
}
