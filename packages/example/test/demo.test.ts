import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startRedis, startTemporal } from '@temporal-redis-storage/testing';
import { Client, Connection } from '@temporalio/client';
import { createClient } from 'redis';

const MAIN = join(__dirname, '../lib/main.js');

/** The demo as a process that leads a group of its own, as in a shell. */
class Demo {
  output = '';
  readonly ended: Promise<number>;
  private readonly child: ChildProcess;

  constructor(...args: string[]) {
    this.child = spawn(process.execPath, [MAIN, ...args], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const collect = (text: string): string => (this.output += text);
    this.child.stdout!.setEncoding('utf8').on('data', collect);
    this.child.stderr!.setEncoding('utf8').on('data', collect);
    this.ended = once(this.child, 'close').then(([code]) => code as number);
  }

  async has(text: string): Promise<void> {
    const ended = this.ended.then(() => true);
    while (!this.output.includes(text)) {
      if (await Promise.race([ended, sleep(20, false)])) throw new Error(`Ended without '${text}':\n${this.output}`);
    }
  }

  /** Ctrl-C: the signal goes to the whole group. */
  interrupt(): void {
    process.kill(-this.child.pid!, 'SIGINT');
  }

  /** The ports of the servers that it started: one at TEMPORAL_ADDRESS was there before. */
  ports(): number[] {
    const ports = [...this.output.matchAll(/(?:is at |redis:\/\/)127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port));
    return [...new Set(ports)].filter((port) => !process.env.TEMPORAL_ADDRESS?.endsWith(`:${port}`));
  }

  /** The lines from the introduction on: above it stands where the servers were found, or how they were built. */
  lines(): string[] {
    return this.output.slice(this.output.indexOf('MB of orders')).split('\n');
  }

  /** What of it still runs: processes of its group, servers that answer. */
  async remains(): Promise<string[]> {
    const answers = await Promise.all(this.ports().map(isAnswering));
    const remains = this.ports()
      .filter((_port, index) => answers[index])
      .map((port) => `a server at ${port}`);
    return isGroupAlive(this.child.pid!) ? ['a process', ...remains] : remains;
  }
}

function isGroupAlive(pid: number): boolean {
  try {
    return process.kill(-pid, 0);
  } catch {
    return false;
  }
}

async function isAnswering(port: number): Promise<boolean> {
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
    if (Date.now() > deadline) throw new Error('It is not so after 30 seconds');
    await sleep(20);
  }
}

/** What the table says of the run with external storage. */
function readCell(output: string, row: string): string {
  const [, cell] = new RegExp(`^ +${row} {2,}.* {2,}(\\S.*)$`, 'm').exec(output) ?? [];
  if (cell === undefined) throw new Error(`No row '${row}' in:\n${output}`);
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
    expect(await demo.ended).toBe(0);
    expect(demo.output).toContain('exceeded the error');
    expect(readCell(demo.output, 'Workflow')).toBe('completed');
    expect(readCell(demo.output, 'Event History')).toMatch(/^\d+\.\d kB$/);
    expect(readCell(demo.output, 'Redis')).toMatch(/^1\d\.\d MB$/);
    expect(readCell(demo.output, 'expire in')).toMatch(/^(59 min \d+|60 min 0) s$/);
    expect(demo.output).not.toMatch(/^ +at /m);
    expect(Math.max(...demo.lines().map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(demo.ports()).not.toEqual([]);
    expect(await demo.remains()).toEqual([]);
  });

  it('ends with its servers on Ctrl-C', async () => {
    const demo = new Demo();
    await demo.has('With external storage');
    demo.interrupt();
    expect(await demo.ended).toBe(130);
    expect(demo.output).toMatch(/Interrupted by SIGINT\.\n$/);
    expect(demo.output).not.toMatch(/^ +(at|warn:|error:) /m);
    expect(await demo.remains()).toEqual([]);
  });

  it('keeps its servers up until Ctrl-C, if told to', async () => {
    const demo = new Demo('--size', '3', '--keep');
    await demo.has('temporal workflow list --address');
    expect(await demo.remains()).toEqual(['a process', ...demo.ports().map((port) => `a server at ${port}`)]);
    demo.interrupt();
    expect(await demo.ended).toBe(0);
    expect(await demo.remains()).toEqual([]);
  });

  it.each([
    ['an option that it does not have', ['--sise', '3'], /^\nUnknown option '--sise'/],
    ['a Redis that is not there', ['--redis-url', 'redis://:secret@127.0.0.1:1'], /redis:\/\/\*\*\*@127\.0\.0\.1:1/],
  ])('says what is wrong with %s', async (_title, args, message) => {
    const demo = new Demo(...args);
    expect(await demo.ended).toBe(1);
    expect(demo.output).toMatch(message);
    expect(demo.output).not.toMatch(/secret|^ +at /m);
    expect(await demo.remains()).toEqual([]);
  });
});

describe("the demo on somebody's own servers", () => {
  const password = 'a-secret-of-theirs';
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

  it('counts only the keys of its run, lets the others be, and does not show the password', async () => {
    const client = await createClient({ url }).connect();
    try {
      await client.set('theirs', 'a value');
      await client.set('demo:theirs:v0', 'a value');
      const demo = new Demo(...args);
      expect(await demo.ended).toBe(0);
      expect(demo.output).not.toContain(password);
      const keys = await client.keys('*');
      expect(keys).toEqual(expect.arrayContaining(['theirs', 'demo:theirs:v0']));
      expect(readCell(demo.output, 'keys')).toBe(String(keys.length - 2));
      expect(await client.get('theirs')).toBe('a value');
    } finally {
      await client.close();
    }
  });

  it('leaves no workflow running on Ctrl-C', async () => {
    const connection = await Connection.connect({ address: temporal.address });
    const { workflow } = new Client({ connection, namespace: temporal.namespace });
    const query = "ExecutionStatus = 'Running' AND WorkflowType = 'processOrders'";
    const running = async (): Promise<number> => (await workflow.count(query)).count;
    try {
      const demo = new Demo(...args, '--size', '24');
      await demo.has('With external storage');
      await waitFor(async () => (await running()) > 0);
      demo.interrupt();
      expect(await demo.ended).toBe(130);
      await waitFor(async () => (await running()) === 0);
    } finally {
      await connection.close();
    }
  });
});
