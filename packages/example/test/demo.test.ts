import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startRedis, startTemporal } from '@temporal-redis-storage/testing';
import { Client, Connection } from '@temporalio/client';
import { createClient } from 'redis';

const MAIN = join(__dirname, '../lib/main.js');

/** The demo in a separate process group, as a shell would start it. */
class Demo {
  output = '';
  readonly exitCode: Promise<number>;
  private readonly child: ChildProcess;

  constructor(...args: string[]) {
    this.child = spawn(process.execPath, [MAIN, ...args], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const collect = (text: string): string => (this.output += text);
    this.child.stdout!.setEncoding('utf8').on('data', collect);
    this.child.stderr!.setEncoding('utf8').on('data', collect);
    this.exitCode = once(this.child, 'close').then(([code]) => code as number);
  }

  /** Waits until the demo has printed a text. */
  async waitForOutput(text: string): Promise<void> {
    const ended = this.exitCode.then(() => true);
    while (!this.output.includes(text)) {
      if (await Promise.race([ended, sleep(20, false)]))
        throw new Error(`The demo ended without printing '${text}':\n${this.output}`);
    }
  }

  /** Sends the signal of Ctrl-C, which goes to the whole process group. */
  interrupt(): void {
    process.kill(-this.child.pid!, 'SIGINT');
  }

  /** Finds the ports of the servers that the demo started. A server at TEMPORAL_ADDRESS was running before. */
  findPorts(): number[] {
    const ports = [...this.output.matchAll(/(?:is at |redis:\/\/|http:\/\/)127\.0\.0\.1:(\d+)/g)].map(([, port]) =>
      Number(port),
    );
    return [...new Set(ports)].filter((port) => !process.env.TEMPORAL_ADDRESS?.endsWith(`:${port}`));
  }

  /** Returns the link that the output ends with. */
  getLink(): { url: string; origin: string } {
    const url = /http:\S+\s*$/.exec(this.output)![0].trim();
    return { url, origin: new URL(url).origin };
  }

  /** Returns the lines from the introduction on. The lines above it report how the servers were installed. */
  getLines(): string[] {
    return this.output.slice(this.output.indexOf('MB of orders')).split('\n');
  }

  /** Lists what still runs: processes of the group, and servers that accept connections. */
  async listLeftovers(): Promise<string[]> {
    const listening = await Promise.all(this.findPorts().map(isListening));
    const servers = this.findPorts()
      .filter((_port, index) => listening[index])
      .map((port) => `a server at ${port}`);
    return isGroupAlive(this.child.pid!) ? ['a process', ...servers] : servers;
  }
}

function isGroupAlive(pid: number): boolean {
  try {
    return process.kill(-pid, 0);
  } catch {
    return false;
  }
}

async function isListening(port: number): Promise<boolean> {
  const socket = createConnection({ host: '127.0.0.1', port });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function waitFor(check: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error('The condition was not met within 30 seconds');
    await sleep(20);
  }
}

/** Reads a cell of the comparison table, in the column of the run with external storage. */
function readCell(output: string, row: string): string {
  const [, cell] = new RegExp(`^ +${row} {2,}.* {2,}(\\S.*)$`, 'm').exec(output) ?? [];
  if (cell === undefined) throw new Error(`The output has no row '${row}':\n${output}`);
  return cell;
}

describe('the demo', () => {
  it.each([
    ['node-redis', []],
    ['ioredis', ['--library', 'ioredis']],
    ['upstash', ['--library', 'upstash']],
    ['one library in the client and another in the worker', ['--library', 'upstash', '--worker-library', 'ioredis']],
  ])('fails without external storage, completes over %s, and leaves nothing running', async (_title, args) => {
    const demo = new Demo('--size', '3', ...args);
    expect(await demo.exitCode).toBe(0);
    expect(demo.output).toContain('exceeded the error');
    expect(readCell(demo.output, 'Workflow')).toBe('completed');
    expect(readCell(demo.output, 'Event History')).toMatch(/^\d+\.\d kB$/);
    expect(readCell(demo.output, 'Redis')).toMatch(/^1\d\.\d MB$/);
    expect(readCell(demo.output, 'expire in')).toMatch(/^(59 min \d+|60 min 0) s$/);
    expect(demo.output).not.toMatch(/^ +at /m);
    expect(Math.max(...demo.getLines().map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(demo.findPorts()).not.toEqual([]);
    expect(await demo.listLeftovers()).toEqual([]);
  });

  it('stops its servers and exits on Ctrl-C', async () => {
    const demo = new Demo();
    await demo.waitForOutput('With external storage');
    demo.interrupt();
    expect(await demo.exitCode).toBe(130);
    expect(demo.output).toMatch(/Interrupted by SIGINT\.\n$/);
    expect(demo.output).not.toMatch(/^ +(at|warn:|error:) /m);
    expect(await demo.listLeftovers()).toEqual([]);
  });

  it('keeps its servers running until Ctrl-C with --keep', async () => {
    const demo = new Demo('--size', '3', '--keep');
    await demo.waitForOutput('/workflows/orders-');
    const { url, origin } = demo.getLink();
    expect((await fetch(url)).status).toBe(200);
    const settings = (await (await fetch(`${origin}/api/v1/settings`)).json()) as { Codec: { Endpoint: string } };
    const codec = await fetch(`${settings.Codec.Endpoint}/decode`, {
      method: 'POST',
      headers: { Origin: origin },
      body: '{"payloads":[{"data":"aGk="}]}',
    });
    expect(await codec.json()).toEqual({ payloads: [{ data: 'aGk=' }] });
    expect(await demo.listLeftovers()).toEqual(['a process', ...demo.findPorts().map((port) => `a server at ${port}`)]);
    demo.interrupt();
    expect(await demo.exitCode).toBe(0);
    expect(await demo.listLeftovers()).toEqual([]);
  });

  it.each([
    ['an unknown option', ['--sise', '3'], /^\nUnknown option '--sise'/],
    ['an unreachable Redis', ['--redis-url', 'redis://:secret@127.0.0.1:1'], /redis:\/\/\*\*\*@127\.0\.0\.1:1/],
  ])('exits with 1 and explains the problem with %s', async (_title, args, message) => {
    const demo = new Demo(...args);
    expect(await demo.exitCode).toBe(1);
    expect(demo.output).toMatch(message);
    expect(demo.output).not.toMatch(/secret|^ +at /m);
    expect(await demo.listLeftovers()).toEqual([]);
  });
});

describe("the demo on the user's own servers", () => {
  const password = 'a-secret-of-the-user';
  let redis: Awaited<ReturnType<typeof startRedis>>;
  let temporal: Awaited<ReturnType<typeof startTemporal>>;
  let url: string;
  let args: string[];

  beforeAll(async () => {
    redis = await startRedis({ args: ['--requirepass', password] });
    temporal = await startTemporal();
    url = `redis://:${password}@${redis.host}:${redis.port}`;
    const { address, namespace } = temporal;
    args = ['--redis-url', url, '--temporal-address', address, '--temporal-namespace', namespace, '--size', '3'];
  });

  afterAll(async () => {
    await redis?.stop();
    await temporal?.stop();
  });

  it('counts only the keys of its run, leaves other keys alone, and does not print the password', async () => {
    const client = await createClient({ url }).connect();
    try {
      await client.set('other', 'a value');
      await client.set('demo:other:v0', 'a value');
      const demo = new Demo(...args);
      expect(await demo.exitCode).toBe(0);
      expect(demo.output).not.toContain(password);
      const keys = await client.keys('*');
      expect(keys).toEqual(expect.arrayContaining(['other', 'demo:other:v0']));
      expect(readCell(demo.output, 'keys')).toBe(String(keys.length - 2));
      expect(await client.get('other')).toBe('a value');
    } finally {
      await client.close();
    }
  });

  it('leaves no workflow running on Ctrl-C', async () => {
    const connection = await Connection.connect({ address: temporal.address });
    const { workflow } = new Client({ connection, namespace: temporal.namespace });
    const query = "ExecutionStatus = 'Running' AND WorkflowType = 'processOrders'";
    const countRunning = async (): Promise<number> => (await workflow.count(query)).count;
    try {
      const demo = new Demo(...args, '--size', '24');
      await demo.waitForOutput('With external storage');
      await waitFor(async () => (await countRunning()) > 0);
      demo.interrupt();
      expect(await demo.exitCode).toBe(130);
      await waitFor(async () => (await countRunning()) === 0);
    } finally {
      await connection.close();
    }
  });
});
