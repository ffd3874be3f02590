import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import { ExternalStorage, type DataConverter } from '@temporalio/common';
import { checkReport, checkSummaries, expectedSummaries } from './checks';
import { DemoError, explain, isPayloadTooLarge, findRootCause } from './errors';
import { Interrupted, runProcess, type Teardown } from './lifecycle';
import { parseOptions, USAGE, type DemoOptions } from './options';
import { createCatalogue, createPages, type Page, type Product } from './orders';
import { Pipeline } from './pipeline';
import { RedisInspector } from './redis-contents';
import { connect, type RedisLibrary } from './redis-library';
import {
  formatComparisonTable,
  formatDuration,
  formatIntroduction,
  formatNextSteps,
  formatParagraph,
  formatSummaryTable,
  type RunReport,
} from './report';
import { silenceSdkLog } from './sdk-log';
import { startServers, type Servers } from './servers';

const SEED = 'temporal-redis-storage';
const TTL_MS = 60 * 60 * 1000;

async function main(teardown: Teardown, interruption: Promise<NodeJS.Signals>): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) {
    console.log(USAGE);
    return;
  }
  silenceSdkLog(interruption);
  const signal = await Promise.race([demo(options, teardown), interruption]);
  if (signal !== undefined) throw new Interrupted(signal);
  if (options.keep) await interruption;
}

async function demo(options: DemoOptions, teardown: Teardown): Promise<void> {
  const servers = await startServers(options, teardown);
  const stage = await openDemoContext(options, servers, teardown);
  console.log(`\n${formatIntroduction(options, servers)}`);

  console.log('\nWithout external storage');
  const without = await runWithout(stage);

  const { library, workerLibrary } = options;
  console.log(`\nWith external storage in Redis, over ${[...new Set([library, workerLibrary])].join(' and ')}`);
  const client = await createStorage(library, servers.redisUrl, stage, teardown);
  const worker = await createStorage(workerLibrary, servers.redisUrl, stage, teardown);
  const withRedis = await runWith(stage, { client, worker });
  checkReport(withRedis, { bytes: options.size * 1_000_000, ttlMs: TTL_MS });

  console.log(`\nSide by side\n\n${formatComparisonTable(without, withRedis)}\n`);
  if (options.redisUrl !== undefined) {
    console.log(`The keys ${stage.keyPrefix}:* expire by themselves within the hour.\n`);
  }
  if (options.keep) console.log(formatNextSteps(options, servers, stage.keyPrefix));
}

/** What both runs share. */
interface DemoContext {
  pipeline: Pipeline;
  redis: RedisInspector;
  runId: string;
  keyPrefix: string;
  pages: Page[];
  catalogue: Product[];
}

async function openDemoContext(options: DemoOptions, servers: Servers, teardown: Teardown): Promise<DemoContext> {
  const redis = await RedisInspector.open(servers.redisUrl);
  teardown.add(async () => redis.close());
  const pipeline = await Pipeline.open(servers.temporal);
  teardown.add(async () => pipeline.close());
  if (options.temporalAddress !== undefined) teardown.add(async () => pipeline.terminate());
  const runId = randomBytes(4).toString('hex');
  const keyPrefix = `demo:${runId}`;
  return {
    pipeline,
    redis,
    runId,
    keyPrefix,
    pages: createPages(SEED, options.size),
    catalogue: createCatalogue(SEED),
  };
}

async function runWithout({ pipeline, redis, runId, keyPrefix, pages, catalogue }: DemoContext): Promise<RunReport> {
  const workflowId = `orders-${runId}-without`;
  const [refusal, ms] = await measureDuration(async () => catchRefusal(pipeline.run({ workflowId, pages, catalogue })));
  console.log(formatParagraph(`Failed after ${formatDuration(ms)}, as it must, since Temporal takes 2 MB at most:`));
  console.log(formatParagraph(`"${refusal}"`));
  return {
    outcome: 'failed',
    ms,
    history: await pipeline.historySize([workflowId]),
    redis: await redis.contents(keyPrefix),
  };
}

async function runWith(
  { pipeline, redis, runId, keyPrefix, pages, catalogue }: DemoContext,
  dataConverters: { client: DataConverter; worker: DataConverter },
): Promise<RunReport> {
  const workflowId = `orders-${runId}`;
  const [summaries, ms] = await measureDuration(async () =>
    pipeline.run({ workflowId, pages, catalogue, dataConverters }),
  );
  checkSummaries(summaries, expectedSummaries(pages, catalogue));
  console.log(formatParagraph(`Completed in ${formatDuration(ms)}, and the totals are right:`));
  console.log(`\n${formatSummaryTable(summaries)}`);
  const children = summaries.map(({ region }) => `${workflowId}-${region}`);
  return {
    outcome: 'completed',
    ms,
    history: await pipeline.historySize([workflowId, ...children]),
    redis: await redis.contents(keyPrefix),
  };
}

/** Awaits a run that has to fail, and gives the words that it was refused with. */
async function catchRefusal(run: Promise<unknown>): Promise<string> {
  try {
    await run;
  } catch (error) {
    if (isPayloadTooLarge(error)) return (findRootCause(error) as Error).message;
    throw error;
  }
  throw new DemoError('The workflow succeeded without external storage: is the limit of this server above 2 MB?');
}

async function createStorage(
  library: RedisLibrary,
  redisUrl: string,
  { keyPrefix }: DemoContext,
  teardown: Teardown,
): Promise<DataConverter> {
  const redis = await connect(library, redisUrl);
  teardown.add(async () => redis.close());
  const driver = new RedisStorageDriver({ client: redis.client, keyPrefix, ttl: TTL_MS });
  return { externalStorage: new ExternalStorage({ drivers: [driver] }) };
}

async function measureDuration<Result>(task: () => Promise<Result>): Promise<[Result, number]> {
  const start = performance.now();
  const result = await task();
  return [result, performance.now() - start];
}

void runProcess(main, explain);
