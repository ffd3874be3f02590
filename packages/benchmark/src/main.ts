import { writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { chartOf } from './chart';
import type { Costs } from './compare';
import { measureLibrary } from './end-to-end';
import { GATE_LOADS, measureGate } from './gate';
import { COUNTS, measureGrowth, SIZES } from './growth';
import { openIoredis, openNodeRedis, openUpstash, type Commands, type Library } from './libraries';
import { LOADS, MIB, nameOf, UPSTASH_LOADS, type Load } from './loads';
import { measureDrivers } from './null-client';
import { RawSocket } from './raw-socket';
import { reportOf } from './report';
import type { Measured, Results } from './results';
import { startServers, type Servers } from './servers';
import { measureWorkflow } from './workflow';
import { WORKFLOW_LOADS } from './workflow-load';

const FOLDER = join(__dirname, '..');

async function main(): Promise<void> {
  const rounds = roundsOf(process.argv[2]);
  const servers = await startServers();
  try {
    await write(await measureAll(servers, rounds));
  } finally {
    await servers.stop();
  }
}

async function measureAll(servers: Servers, rounds: number): Promise<Results> {
  const nodeRedis = await openNodeRedis(servers.redis.url);
  const ioredis = openIoredis(servers.redis.url);
  const upstash = openUpstash(servers.upstash);
  const socket = await RawSocket.open(servers.redis);
  const over = (library: Library, loads: Load[], baselines: Record<string, Commands>): Promise<Measured> =>
    each(`over ${library.name}`, loads, (load) => measureLibrary(library, baselines, load, rounds));
  const grow = (load: Load): Promise<Costs> => measureGrowth(nodeRedis, load, rounds);
  try {
    return {
      machine: { ...machine(), redis: await versionOf(nodeRedis) },
      rounds,
      drivers: await each('drivers alone', LOADS, (load) => measureDrivers(load, rounds)),
      libraries: {
        'node-redis': await over(nodeRedis, LOADS, { raw: nodeRedis, 'raw socket': socket }),
        ioredis: await over(ioredis, LOADS, { raw: ioredis, 'raw socket': socket }),
        Upstash: await over(upstash, UPSTASH_LOADS, { raw: upstash }),
      },
      gate: await each('bytes in flight', GATE_LOADS, measureGate),
      workflows: await each('workflow', WORKFLOW_LOADS, (load) =>
        measureWorkflow(servers, nodeRedis.flush, load, rounds),
      ),
      growth: { sizes: await each('sizes', SIZES, grow), counts: await each('counts', COUNTS, grow) },
    };
  } finally {
    for (const connection of [nodeRedis, ioredis, upstash, socket]) connection.close();
  }
}

function roundsOf(argument = '7'): number {
  const rounds = Number(argument);
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new Error(`The number of rounds must be a whole number of at least 1, got '${argument}'`);
  }
  return rounds;
}

function machine(): Omit<Results['machine'], 'redis'> {
  const [cpu] = cpus();
  return {
    cpu: cpu?.model ?? 'an unknown CPU',
    cores: cpus().length,
    memory: `${Math.round(totalmem() / MIB / 1024)} GiB`,
    node: process.version,
  };
}

async function versionOf({ info }: Pick<Library, 'info'>): Promise<string> {
  return /redis_version:(\S+)/.exec(await info())?.[1] ?? 'of an unknown version';
}

async function each<L extends Load, Result>(
  title: string,
  loads: L[],
  work: (load: L) => Promise<Result>,
): Promise<Record<string, Result>> {
  const results: Record<string, Result> = {};
  for (const load of loads) {
    console.error(`${title}: ${nameOf(load)}`);
    results[nameOf(load)] = await work(load);
  }
  return results;
}

async function write(results: Results): Promise<void> {
  const report = reportOf(results);
  const stores = Object.entries(results.libraries.ioredis).map(([load, { store }]) => [load, store] as const);
  const charts = {
    'stall.svg': chartOf('Longest stall of the event loop while storing, ioredis', Object.fromEntries(stores)),
    'workflow.svg': chartOf("Longest stall of the worker's event loop in a whole workflow", results.workflows),
  };
  const files = { 'RESULTS.md': report, 'results.json': `${JSON.stringify(results, null, 2)}\n`, ...charts };
  for (const [name, content] of Object.entries(files)) await writeFile(join(FOLDER, name), content);
  console.log(report);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
