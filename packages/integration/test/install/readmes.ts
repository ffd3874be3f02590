import { findCodeBlocks, type CodeBlock } from '../documents/documents';

/** Paths of the READMEs that users start with. */
export const READMES = [
  'README.md',
  ...['core', 'node-redis', 'ioredis', 'upstash', 'plugin', 'codec-server', 'cli'].map(
    (name) => `packages/${name}/README.md`,
  ),
];

/** Finds the `npm install` and `npx` lines of a README, with their continuations joined. */
export function findCommands(path: string): string[] {
  return findCodeBlocks(path)
    .filter(({ language }) => language === 'sh')
    .flatMap(({ code }) => code.replaceAll(/ \\\n\s*/g, ' ').split('\n'))
    .filter((line) => /^(npm install|npx @)/.test(line));
}

/** The first `npm install` line of a README. */
export function findInstallLine(path: string): string {
  const line = findCommands(path).find((command) => command.startsWith('npm install '));
  if (line === undefined) throw new Error(`${path} has no npm install line`);
  return line;
}

/** Finds the whole programs among the TypeScript blocks of a README. */
export function findPrograms(path: string): CodeBlock[] {
  return findCodeBlocks(path).filter(({ language, location }) => language === 'ts' && !/, [-+]$/.test(location));
}

/** The names of the packages that a program imports, as values or types. */
export function findImportedPackages({ code }: CodeBlock): string[] {
  const modules = [...code.matchAll(/^import .*?['"]([^'"]+)['"];$/gms)].map(([, module]) => module!);
  return modules
    .filter((module) => !module.startsWith('node:') && !module.startsWith('.'))
    .map((module) => module.split('/', module.startsWith('@') ? 2 : 1).join('/'));
}
