/** A server, process or group that runs until it is stopped. */
export interface Running {
  stop: () => Promise<void>;
}

/** Registers a member that is starting, and returns it. */
type Track = <T extends Running>(starting: Promise<T>) => Promise<T>;

/**
 * Starts a group of servers. `start` passes each one to `track`. Resolves to the result of `start` and a `stop` for the
 * whole group. If `start` rejects, the servers that have started are stopped.
 */
export async function startTogether<T extends object>(start: (track: Track) => Promise<T>): Promise<T & Running> {
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
