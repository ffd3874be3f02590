import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript';
import { transform } from 'esbuild';
import { startRedis, startTemporal, type RunningRedis, type RunningTemporal } from '@temporal-redis-storage/testing';
import { run } from '../install/run';
import { findCodeBlocks, DOCUMENTS, type CodeBlock } from './documents';
import { ROOT } from '../workspace';

const BLOCKS = DOCUMENTS.flatMap(findCodeBlocks).filter(({ language }) => language === 'ts');

/** Declarations that a diff block may omit, by name. */
const CONTEXT: Record<string, string> = {
  RedisStorageDriver: `import { RedisStorageDriver } from '@temporal-redis-storage/core';`,
  url: `declare const url: string;`,
};

// This folder resolves every package that the blocks import.
mkdirSync(join(ROOT, 'packages/integration/lib'), { recursive: true });
const folder = mkdtempSync(join(ROOT, 'packages/integration/lib/documents-'));

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** The name of a block's file, without its extension: that of the comment on its first line, if another block imports it. */
function nameFile({ code }: CodeBlock): string {
  return /^\/\/ ([\w.-]+)\.mts\n/.exec(code)?.[1] ?? `${BLOCKS.findIndex((block) => block.code === code)}`;
}

async function write(name: string, code: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, code);
  return path;
}

/** Adds the declarations that a diff block omits. */
function completeCode({ location, code }: { location: string; code: string }): string {
  if (!/, [-+]$/.test(location)) return code;
  const missing = Object.entries(CONTEXT).filter(([name]) => !new RegExp(`import .*\\b${name}\\b`).test(code));
  return [...missing.map(([, declaration]) => declaration), code].join('\n');
}

describe('every TypeScript block of the documents', () => {
  it('compiles in strict mode', async () => {
    expect(BLOCKS.length).toBeGreaterThan(5);
    const paths = await Promise.all(
      BLOCKS.map((block) => write(`${nameFile(block)}.mts`, `${completeCode(block)}\nexport {};\n`)),
    );
    const program = ts.createProgram(paths, {
      module: ts.ModuleKind.NodeNext,
      target: ts.ScriptTarget.ES2022,
      types: ['node'],
      strict: true,
      noEmit: true,
      skipLibCheck: true,
    });
    const problems = ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
      const index = paths.indexOf(file?.fileName ?? '');
      return `${BLOCKS[index]?.location}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
    });
    expect(problems).toEqual([]);
  });
});

const RUNNABLE = BLOCKS.filter(({ code }) => code.includes('redis://localhost:6379'));

const TESTS = BLOCKS.filter(({ code }) => code.includes("from 'node:test'"));

describe('every code block that connects to a Redis', () => {
  let redis: RunningRedis;
  let temporal: RunningTemporal;

  beforeAll(async () => {
    redis = await startRedis();
    temporal = await startTemporal();
  });

  afterAll(async () => {
    await Promise.all([redis?.stop(), temporal?.stop()]);
  });

  it.each(RUNNABLE.map((block) => [block.location, block]))(
    'runs, stores and retrieves a payload: %s',
    async (_location, block) => {
      const { address, namespace } = temporal;
      const program = block.code
        .replace('redis://localhost:6379', redis.url)
        .replace('Connection.connect()', `Connection.connect({ address: '${address}' })`)
        .replace('dataConverter });', `dataConverter, namespace: '${namespace}' });`);
      const use = `
      const data = new Uint8Array(300_000).fill(7);
      const [back] = await driver.retrieve({}, await driver.store({}, [{ data }]));
      console.log(back.data.length);
      process.exit();`;
      const { code } = await transform(program + use, { loader: 'ts', format: 'esm' });
      const path = await write(`run-${RUNNABLE.indexOf(block)}.mjs`, code);
      expect(await run(folder, process.execPath, [path])).toBe('300000\n');
    },
  );

  it.each(TESTS.map((block) => [block.location, block]))('passes its own tests: %s', async (_location, block) => {
    for (const named of BLOCKS.filter((other) => other.code.startsWith('// '))) {
      const { code } = await transform(named.code, { loader: 'ts', format: 'esm' });
      await write(`${nameFile(named)}.mjs`, code);
    }
    const args = ['--test', '--test-reporter=tap', join(folder, `${nameFile(block)}.mjs`)];
    const output = await run(folder, process.execPath, args, { REDIS_URL: redis.url });
    expect(Number(/^# pass (\d+)$/m.exec(output)?.[1])).toBeGreaterThan(80);
  });
});
