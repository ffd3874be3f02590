import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunningRedis } from '@temporal-redis-storage/testing';
import { findFreeClusterPort } from '../../../testing/src/servers/port';
import { startRedis } from '../../../testing/src/servers/redis';
import { connectAll, disconnectAll } from '../../../testing/src/servers/redis-connection';
import { waitUntil } from '../../../testing/src/wait-until';

const SLOTS = 16_384;
const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];
const CLUSTER = ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'];

/** A Redis, or a cluster of one node, that syncs each write to disk and keeps its data across restarts. */
export class DurableRedis {
  private running: RunningRedis | undefined;

  /** Creates the data folder. `settings` are additional arguments for redis-server. */
  static async create(kind: 'single' | 'cluster', settings: string[] = []): Promise<DurableRedis> {
    return new DurableRedis(
      kind,
      settings,
      await mkdtemp(join(tmpdir(), 'durable-redis-')),
      await findFreeClusterPort(),
    );
  }

  private constructor(
    private readonly kind: 'single' | 'cluster',
    private readonly settings: string[],
    private readonly folder: string,
    private readonly port: number,
  ) {}

  /** Starts the server, each time on the same port. */
  async start(): Promise<RunningRedis> {
    const cluster = this.kind === 'cluster';
    const args = ['--dir', this.folder, ...DURABLE, ...(cluster ? CLUSTER : []), ...this.settings];
    await this.running?.stop();
    this.running = await startRedis({ port: this.port, args });
    if (cluster) await serveSlots(this.running);
    return this.running;
  }

  kill(): void {
    process.kill(this.running!.pid, 'SIGKILL');
  }

  /** Stops the server and deletes its data. */
  async remove(): Promise<void> {
    await this.running?.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function serveSlots(redis: RunningRedis): Promise<void> {
  const connections = await connectAll([redis]);
  try {
    const [node] = connections;
    if ((await node!.clusterInfo()).includes('cluster_slots_assigned:0')) {
      await node!.clusterAddSlots(Array.from({ length: SLOTS }, (_, slot) => slot));
    }
    await waitUntil('the slots are served', connections, async (each) =>
      (await each.clusterInfo()).includes('cluster_state:ok'),
    );
  } finally {
    disconnectAll(connections);
  }
}
