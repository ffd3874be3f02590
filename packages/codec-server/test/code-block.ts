import { readFileSync } from 'node:fs';
import * as http from 'node:http';
import { join } from 'node:path';
import ts from 'typescript';

const ROOT = join(__dirname, '../../..');

/** The first code block of a document that contains `text`. */
export function readCodeBlock(path: string, text: string): string {
  const blocks = readFileSync(join(ROOT, path), 'utf8').matchAll(/^( *)```[jt]s\n([^]*?)^\1```$/gm);
  for (const [, , code] of blocks) {
    if (code!.includes(text)) return code!;
  }
  throw new Error(`${path} has no code block with '${text}'`);
}

/** What a code block leaves behind. */
export interface BlockResult {
  exports: Record<string, unknown>;
  /** The servers that it has created, or creates later. */
  servers: http.Server[];
}

/** Runs a code block of a document, with `scope` for the names that it doesn't declare. */
export async function runCodeBlock(code: string, scope: Record<string, unknown>): Promise<BlockResult> {
  const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 };
  const { outputText } = ts.transpileModule(code, { compilerOptions });
  const result: BlockResult = { exports: {}, servers: [] };
  const createServer = (listener: http.RequestListener): http.Server => {
    const server = http.createServer(listener);
    result.servers.push(server);
    return server;
  };
  const names = {
    require: (name: string): unknown => (name === 'node:http' ? { createServer } : require(name)),
    exports: result.exports,
    ...scope,
  };
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
  await (AsyncFunction(...Object.keys(names), outputText)(...Object.values(names)) as Promise<void>);
  return result;
}
