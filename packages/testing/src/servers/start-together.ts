/** Something that runs until it is stopped. */
export interface Running {
  stop: () => Promise<void>;
}

/** Registers something that is starting, and returns it. */
type Track = <T extends Running>(starting: Promise<T>) => Promise<T>;

/**
 * Starts several things that belong together. `start` passes each to `keep`; its result is returned with a
 * `stop` for all of them. If it rejects, whatever has started by then is stopped.
 */
export async function startTogether<T extends object>(start: (keep: Track) => Promise<T>): Promise<T & Running> {
  const members: Promise<Running>[] = [];
  const stop = async (): Promise<void> => {
    const results = await Promise.allSettled(members);
    const running = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    await Promise.all(running.map((member) => member.stop()));
  };
  try {
    const group = await start((starting) => {
      members.push(starting);
      return starting;
    });
    return { ...group, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
