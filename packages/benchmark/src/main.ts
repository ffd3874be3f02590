import { writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { prepareRedis, startRedis } from '@temporal-redis-storage/testing';
import { chartOf } from './chart';
import { measureLibrary } from './end-to-end';
import { COUNTS, measureGrowth, SIZES } from './growth';
import { openIoredis, openNodeRedis, type Library } from './libraries';
import { LOADS, MIB, nameOf, type Load } from './loads';
import { measureDrivers } from './null-client';
import { reportOf } from './report';
import type { Results } from './results';

const FOLDER = join(__dirname, '..');

async function main(): Promise<void> {
  const rounds = roundsOf(process.argv[2]);
  await prepareRedis();
  const redis = await startRedis();
  const nodeRedis = await openNodeRedis(redis.url);
  const ioredis = openIoredis(redis.url);
  try {
    const results: Results = {
      machine: { ...machine(), redis: await versionOf(ioredis) },
      rounds,
      drivers: await each('drivers alone', LOADS, (load) => measureDrivers(load, rounds)),
      libraries: {},
      growth: { sizes: {}, counts: {} },
    };
    for (const library of [nodeRedis, ioredis]) {
      results.libraries[library.name] = await each(library.name, LOADS, (load) =>
        measureLibrary(library, load, rounds),
      );
    }
    const grow = (load: Load): ReturnType<typeof measureGrowth> => measureGrowth(nodeRedis, load, rounds);
    results.growth = { sizes: await each('sizes', SIZES, grow), counts: await each('counts', COUNTS, grow) };
    await write(results);
  } finally {
    nodeRedis.close();
    ioredis.close();
    await redis.stop();
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

async function each<Result>(
  title: string,
  loads: Load[],
  work: (load: Load) => Promise<Result>,
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
  const stalls = results.libraries['ioredis'] ?? {};
  await writeFile(join(FOLDER, 'RESULTS.md'), report);
  await writeFile(join(FOLDER, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
  await writeFile(join(FOLDER, 'stall.svg'), chartOf('Longest stall of the event loop while storing, ioredis', stalls));
  console.log(report);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
