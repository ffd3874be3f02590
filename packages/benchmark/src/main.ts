import { readFile, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { COMMAND_LOADS, formatCommandLoad } from './commands/command-load';
import { measureCommands } from './commands/commands';
import { drawChart } from './report/chart';
import type { Costs } from './measure/compare';
import { measureLibrary } from './measure/end-to-end';
import { BYTES_IN_FLIGHT_LOADS, measureBytesInFlight } from './measure/bytes-in-flight';
import { COUNTS, measureGrowth, SIZES } from './measure/growth';
import { openIoredis, openNodeRedis, openUpstash, type Commands, type Library } from './measure/libraries';
import { LOADS, MIB, formatLoad, UPSTASH_LOADS, type Load } from './measure/loads';
import { measureDiagnostics } from './measure/diagnostics';
import { measureNextSdk, NEXT_SDK_LOADS } from './measure/next-sdk';
import { measureDrivers } from './measure/null-client';
import { RawSocket } from './measure/raw-socket';
import { formatReport } from './report/report';
import type { Measured, Results } from './report/results';
import { startServers, type Servers } from './measure/servers';
import { measureWorkflow } from './workflow/workflow';
import { WORKFLOW_LOADS } from './workflow/workflow-load';

const FOLDER = join(__dirname, '..');

async function main(): Promise<void> {
  const [, , argument] = process.argv;
  const rounds = argument === 'commands' ? undefined : parseRounds(argument);
  const servers = await startServers();
  try {
    const results =
      rounds === undefined
        ? { ...(await readResults()), commands: await measureAllCommands(servers) }
        : await measureAll(servers, rounds);
    await writeResults(results);
  } finally {
    await servers.stop();
  }
}

async function measureAll(servers: Servers, rounds: number): Promise<Results> {
  const nodeRedis = await openNodeRedis(servers.redis.url);
  const ioredis = openIoredis(servers.redis.url);
  const upstash = openUpstash(servers.upstash);
  const socket = await RawSocket.open(servers.redis);
  const measureOver = (library: Library, loads: Load[], baselines: Record<string, Commands>): Promise<Measured> =>
    measureEach(`over ${library.name}`, loads, (load) => measureLibrary(library, baselines, load, rounds));
  const measureOne = (load: Load): Promise<Costs> => measureGrowth(nodeRedis, load, rounds);
  try {
    return {
      machine: { ...describeMachine(), redis: await readVersion(nodeRedis) },
      rounds,
      drivers: await measureEach('drivers alone', LOADS, (load) => measureDrivers(load, rounds)),
      libraries: {
        'node-redis': await measureOver(nodeRedis, LOADS, { raw: nodeRedis, 'raw socket': socket }),
        ioredis: await measureOver(ioredis, LOADS, { raw: ioredis, 'raw socket': socket }),
        Upstash: await measureOver(upstash, UPSTASH_LOADS, { raw: upstash }),
      },
      nextSdk: await measureEach('next SDK', NEXT_SDK_LOADS, (load) => measureNextSdk(nodeRedis, load, rounds)),
      diagnostics: await measureDiagnostics(rounds),
      bytesInFlight: await measureEach('bytes in flight', BYTES_IN_FLIGHT_LOADS, measureBytesInFlight),
      workflows: await measureEach('workflow', WORKFLOW_LOADS, (load) =>
        measureWorkflow(servers, nodeRedis.flush, load, rounds),
      ),
      growth: {
        sizes: await measureEach('sizes', SIZES, measureOne),
        counts: await measureEach('counts', COUNTS, measureOne),
      },
      commands: await measureAllCommands(servers),
    };
  } finally {
    for (const connection of [nodeRedis, ioredis, upstash, socket]) connection.close();
  }
}

async function measureAllCommands(servers: Servers): Promise<Results['commands']> {
  const results: Results['commands'] = {};
  for (const load of COMMAND_LOADS) {
    console.error(`commands: ${formatCommandLoad(load)}`);
    results[formatCommandLoad(load)] = await measureCommands(servers, load);
  }
  return results;
}

function parseRounds(argument = '7'): number {
  const rounds = Number(argument);
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new Error(`The argument must be 'commands', or a number of rounds of at least 1, got '${argument}'`);
  }
  return rounds;
}

function describeMachine(): Omit<Results['machine'], 'redis'> {
  const [cpu] = cpus();
  return {
    cpu: cpu?.model ?? 'unknown CPU',
    cores: cpus().length,
    memory: `${Math.round(totalmem() / MIB / 1024)} GiB`,
    node: process.version,
  };
}

async function readVersion({ info }: Pick<Library, 'info'>): Promise<string> {
  return /redis_version:(\S+)/.exec(await info())?.[1] ?? '(unknown version)';
}

async function measureEach<L extends Load, Result>(
  title: string,
  loads: L[],
  measure: (load: L) => Promise<Result>,
): Promise<Record<string, Result>> {
  const results: Record<string, Result> = {};
  for (const load of loads) {
    console.error(`${title}: ${formatLoad(load)}`);
    results[formatLoad(load)] = await measure(load);
  }
  return results;
}

async function readResults(): Promise<Results> {
  return JSON.parse(await readFile(join(FOLDER, 'results.json'), 'utf8')) as Results;
}

async function writeResults(results: Results): Promise<void> {
  const report = formatReport(results);
  const stores = Object.entries(results.libraries.ioredis).map(([load, { store }]) => [load, store] as const);
  const charts = {
    'stall.svg': drawChart('Longest stall of the event loop while storing, ioredis', Object.fromEntries(stores)),
    'workflow.svg': drawChart("Longest stall of the worker's event loop in a whole workflow", results.workflows),
  };
  const files = { 'RESULTS.md': report, 'results.json': `${JSON.stringify(results, null, 2)}\n`, ...charts };
  for (const [name, content] of Object.entries(files)) await writeFile(join(FOLDER, name), content);
  console.log(report);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
