import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { RedisStorageDriver } from '@temporal-redis-storage/core';
import { ExternalStorage, type DataConverter } from '@temporalio/common';
import { checkReport, checkSummaries, computeExpectedSummaries } from './checks';
import { DemoError, findRootCause, isPayloadTooLarge, printError } from './errors';
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
  const signal = await Promise.race([runDemo(options, teardown), interruption]);
  if (signal !== undefined) throw new Interrupted(signal);
  if (options.keep) await interruption;
}

async function runDemo(options: DemoOptions, teardown: Teardown): Promise<void> {
  const servers = await startServers(options, teardown);
  const context = await openDemoContext(options, servers, teardown);
  console.log(`\n${formatIntroduction(options, servers)}`);

  console.log('\nWithout external storage');
  const without = await runWithout(context);

  const { library, workerLibrary } = options;
  console.log(`\nWith external storage in Redis, over ${[...new Set([library, workerLibrary])].join(' and ')}`);
  const client = await createStorage(library, servers.redisUrl, context, teardown);
  const worker = await createStorage(workerLibrary, servers.redisUrl, context, teardown);
  const withRedis = await runWith(context, { client, worker });
  servers.webUi?.codecServer.serve(client, servers.webUi.url);
  checkReport(withRedis, { bytes: options.size * 1_000_000, ttlMs: TTL_MS });

  console.log(`\nSide by side\n\n${formatComparisonTable(without, withRedis)}\n`);
  if (options.redisUrl !== undefined) {
    console.log(`The keys ${context.keyPrefix}:* expire within an hour.\n`);
  }
  if (options.keep) console.log(formatNextSteps(options, servers, context));
}

/** Connections and input that both runs share. */
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
  const [rejection, ms] = await measureDuration(async () =>
    catchRejection(pipeline.run({ workflowId, pages, catalogue })),
  );
  console.log(
    formatParagraph(`Failed after ${formatDuration(ms)}, as expected, because Temporal limits a payload to 2 MB:`),
  );
  console.log(formatParagraph(`"${rejection}"`));
  return {
    outcome: 'failed',
    ms,
    history: await pipeline.measureHistory([workflowId]),
    redis: await redis.readContents(keyPrefix),
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
  checkSummaries(summaries, computeExpectedSummaries(pages, catalogue));
  console.log(formatParagraph(`Completed in ${formatDuration(ms)} with the correct totals:`));
  console.log(`\n${formatSummaryTable(summaries)}`);
  const children = summaries.map(({ region }) => `${workflowId}-${region}`);
  return {
    outcome: 'completed',
    ms,
    history: await pipeline.measureHistory([workflowId, ...children]),
    redis: await redis.readContents(keyPrefix),
  };
}

/** Waits for a run to fail because a payload is too large, and returns the error message. */
async function catchRejection(run: Promise<unknown>): Promise<string> {
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

void runProcess(main, printError);
