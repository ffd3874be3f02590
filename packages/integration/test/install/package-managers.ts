import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readDocument } from '../documents/documents';
import { SCOPE } from './registry';
import { PNPM, run } from './run';

const YARN: Command = ['npx', '-y', '@yarnpkg/cli-dist@4'];

type Command = [command: string, ...args: string[]];

/** How to run the commands that the documents name. */
const EXECUTABLES: Record<string, Command> = {
  npm: ['npm'],
  npx: ['npx'],
  pnpm: [PNPM[0], ...PNPM[1]],
  yarn: YARN,
  bun: ['npx', '-y', 'bun@1'],
  bunx: ['npx', '-y', '--package=bun@1', 'bunx'],
};

/** What the documents say that users of a package manager write in place of `npm install` and `npx`. */
interface Replacements {
  install: string;
  execute: string;
}

const PAGE = 'docs/troubleshooting.md';

/** Reads the replacements for a package manager, whose name is at the start of a row, from the documents. */
function readReplacements(name: string): Replacements {
  const row = new RegExp(`^\\| ${name} .*?\\| \`([^\`]+)\` *\\| \`([^\`]+)\` *\\|$`, 'm').exec(readDocument(PAGE));
  if (row === null) throw new Error(`${PAGE} has no row for ${name}`);
  return { install: row[1]!, execute: row[2]! };
}

/** A package manager with its settings. */
export interface PackageManager extends Replacements {
  /** Creates a folder where our packages come from a registry. Nothing is installed there. */
  createProject(folder: string, registry: string): Promise<void>;
  /** The command that runs a program with Node. */
  node: Command;
  /** The environment for commands in a project. */
  createEnv?: (folder: string) => NodeJS.ProcessEnv;
}

function createManager(replacements: Replacements): PackageManager {
  return {
    ...replacements,
    node: [process.execPath],
    async createProject(folder, registry) {
      await mkdir(folder);
      await writeFile(join(folder, '.npmrc'), `${SCOPE}:registry=${registry}\n`);
    },
  };
}

function createBun(linker: 'hoisted' | 'isolated'): PackageManager {
  return {
    ...readReplacements('Bun'),
    node: [process.execPath],
    // `bunx` installs outside of the project, and takes the registry only from the user's settings.
    createEnv: (folder) => ({ XDG_CONFIG_HOME: folder }),
    async createProject(folder, registry) {
      await mkdir(folder);
      const settings = `[install]\nlinker = "${linker}"\n[install.scopes]\n"${SCOPE}" = "${registry}"\n`;
      await writeFile(join(folder, '.bunfig.toml'), settings);
    },
  };
}

function createYarn(nodeLinker: 'pnp' | 'node-modules'): PackageManager {
  return {
    ...readReplacements('Yarn'),
    node: nodeLinker === 'pnp' ? [...YARN, 'node'] : [process.execPath],
    async createProject(folder, registry) {
      await mkdir(folder);
      const settings = {
        nodeLinker,
        npmScopes: { [SCOPE.slice(1)]: { npmRegistryServer: registry } },
        unsafeHttpWhitelist: ['127.0.0.1'],
      };
      await writeFile(join(folder, '.yarnrc.yml'), JSON.stringify(settings));
      await runCommand(folder, 'yarn init');
    },
  };
}

const NPM = { install: 'npm install', execute: 'npx' };

export const PACKAGE_MANAGERS = {
  npm: createManager(NPM),
  pnpm: createManager(readReplacements('pnpm')),
  "Yarn with Plug'n'Play": createYarn('pnp'),
  'Yarn with node_modules': createYarn('node-modules'),
  'Bun, hoisted': createBun('hoisted'),
  'Bun, isolated': createBun('isolated'),
} satisfies Record<string, PackageManager>;

/** Runs a line of the documents for npm with another package manager. */
export async function runLine(
  folder: string,
  line: string,
  { install, execute, createEnv }: PackageManager,
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  const replaced = line.replace(/^npm install /, `${install} `).replace(/^npx /, `${execute} `);
  return runCommand(folder, replaced, { ...createEnv?.(folder), ...env });
}

/** Runs a command without a shell: none has quotes. */
async function runCommand(folder: string, line: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const [name, ...args] = line.trim().split(/\s+/);
  const [command, ...before] = EXECUTABLES[name!]!;
  // Yarn refuses to write a lockfile where CI is set, and npx asks before it installs.
  const settings = { YARN_ENABLE_IMMUTABLE_INSTALLS: 'false', YARN_ENABLE_TELEMETRY: 'false', npm_config_yes: 'true' };
  return run(folder, command, [...before, ...args], { ...settings, ...env });
}
